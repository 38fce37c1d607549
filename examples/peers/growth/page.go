package main

import (
	"fmt"
	"math"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/chart"
	"github.com/tokenprofile/tokenprofile-go/examples/peers/speed"
)

func table(panels []panel, where string) string {
	var text strings.Builder
	fmt.Fprintf(&text, "# What grows, and how\n\n![cost for 1 to 10,000 of something](growth.svg)\n\n%s%s, `go run ./growth`\n\n", reading, where)
	text.WriteString("| | 1 | 10 | 100 | 1,000 | 10,000 |\n|---|---:|---:|---:|---:|---:|\n")
	for _, p := range panels {
		fmt.Fprintf(&text, "| **%s** | | | | | |\n", p.title)
		for _, c := range p.curves {
			fmt.Fprintf(&text, "| %s |", c.name)
			for _, n := range sizes {
				fmt.Fprintf(&text, " %s (%.0f) |", speed.Micros(c.at[n].nanoseconds), c.at[n].allocations)
			}
			text.WriteString("\n")
		}
	}
	return text.String()
}

const reading = `Microseconds on the clock, the least of several runs, and allocations in brackets. What is shared by all there are, as opening a
file is, is divided by their number. A line that keeps its height is a cost that is linear there, and constant elsewhere; a search
through all of them would climb by a step of ten from one column to the next. Each line is a benchmark, and tests count bytes or
allocations, so that it stays as it is. What is large no longer fits into the processor's caches, which is why the right ends of
some lines are higher, and a machine that is busy lifts single points; allocations are the same on any.

`

// The plot's measures, in pixels.
const (
	across, down  = 2, 3 // panels
	width, height = 430, 236
	left, right   = 60, 30 // within a panel
	top, bottom   = 40, 34
	head, foot    = 48, 30
)

func plot(panels []panel, where string) string {
	c := chart.New(across*width, head+down*height+foot)
	c.Text(24, 31, "title", chart.Left, "Cost of one, where there are 1 to 10,000")
	for i, p := range panels {
		p.draw(c, float64(i%across*width), float64(head+i/across*height))
	}
	c.Text(24, head+down*height+12, "small", chart.Left, where)
	return c.String()
}

// draw draws a panel with its upper left corner at x and y, both axes by powers
// of ten.
func (p panel) draw(c *chart.Canvas, x, y float64) {
	least, most := p.decades()
	column := func(n int) float64 { return x + left + math.Log10(float64(n))/4*(width-left-right) }
	row := func(us float64) float64 {
		return y + height - bottom - (math.Log10(us)-least)/(most-least)*(height-top-bottom)
	}
	c.Text(x+24, y+16, "strong", chart.Left, p.title)
	for e := least; e <= most; e++ {
		us := math.Pow(10, e)
		c.Line(x+left, row(us), x+width-right, row(us), "grid")
		c.Text(x+left-7, row(us)+4, "small", chart.Right, unit(us))
	}
	for i, n := range sizes {
		c.Text(column(n), y+height-bottom+18, "small", chart.Middle, []string{"1", "10", "100", "1,000", "10,000"}[i])
	}
	for i, curve := range p.curves {
		series := []int{0, 2, 3, 4}[i]
		var points [][2]float64
		for _, n := range sizes {
			points = append(points, [2]float64{column(n), row(curve.at[n].nanoseconds / 1000)})
		}
		c.Path(series, points)
		for j, point := range points {
			c.Mark(series, point[0], point[1], fmt.Sprintf("%s, %d: %s µs", curve.name, sizes[j], speed.Micros(curve.at[sizes[j]].nanoseconds)))
		}
	}
	p.legend(c, x+width-right-6, y+top+8)
}

func unit(us float64) string {
	if us >= 1000 {
		return fmt.Sprintf("%g ms", us/1000)
	}
	return fmt.Sprintf("%g µs", us)
}

// legend names the curves at the upper right.
func (p panel) legend(c *chart.Canvas, x, y float64) {
	for i, curve := range p.curves {
		c.Mark([]int{0, 2, 3, 4}[i], x-4, y+float64(i)*17, curve.name)
		c.Text(x-16, y+float64(i)*17+4.5, "small", chart.Right, curve.name)
	}
}

// decades are the powers of ten between which the curves lie, with room above
// for their names.
func (p panel) decades() (least, most float64) {
	least, most = math.Inf(1), math.Inf(-1)
	for _, c := range p.curves {
		for _, m := range c.at {
			e := math.Log10(m.nanoseconds / 1000)
			least, most = min(least, math.Floor(e)), max(most, math.Ceil(e))
		}
	}
	return least, max(most, least+1) + 1
}
