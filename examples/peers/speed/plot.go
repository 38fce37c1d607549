package speed

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"github.com/tokenprofile/tokenprofile-go/examples/peers/chart"
)

// The plot's measures, in pixels.
const (
	plotWidth = 860
	labels    = 226 // at the left
	margin    = 24  // at the right
	rowHeight = 24
	head      = 84 // above the rows
	foot      = 52
	gap       = 10 // between tasks of two kinds
)

// least and most are the ends of the axis, in times of what we take.
const least, most = 0.25, 16.0

// plot shows the newest release: every contender beside us, who stand on the
// line of 1.
func (r Results) plot() string {
	result := r[r.newest()[0]]
	places, end := result.places()
	height := int(end) + foot
	c := chart.New(plotWidth, height)
	c.Text(margin, 30, "title", chart.Left, "Cost of one call, in times of what this library takes")
	for x := least; x <= most; x *= 2 {
		class := "grid"
		if x == 1 {
			class = "ours"
		}
		c.Line(across(x), head-8, across(x), end+4, class)
		c.Text(across(x), end+21, "small", chart.Middle, fmt.Sprintf("%g×", x))
	}
	c.Text(margin, float64(height)-11, "small", chart.Left, fmt.Sprintf("Right of the line is dearer than we are. Go %s, %s, %s", result.Release, result.Machine, result.Date))
	result.legend(c)
	for i, row := range result.Rows {
		row.draw(c, places[i])
	}
	return c.String()
}

// places are the heights of the rows, in groups by what they do, and where the
// last ends.
func (r Result) places() (places []float64, end float64) {
	end, kind := float64(head), ""
	for _, row := range r.Rows {
		first, _, _ := strings.Cut(row.Task, " ")
		if kind != "" && first != kind {
			end += gap
		}
		kind = first
		places = append(places, end+rowHeight/2)
		end += rowHeight
	}
	return places, end
}

// across is where on the axis a ratio stands. What is beyond stands at its end.
func across(ratio float64) float64 {
	share := math.Log(min(max(ratio, least), most)/least) / math.Log(most/least)
	return labels + share*(plotWidth-labels-2*margin)
}

func (r Result) legend(c *chart.Canvas) {
	x := float64(labels)
	for i, name := range contenders {
		if r.has(name) {
			c.Mark(i, x, 56, name)
			c.Text(x+11, 60.5, "small", chart.Left, name)
			x += 34 + 6.6*float64(len(name))
		}
	}
}

// draw draws the marks of one row, ours last, so that nothing lies on it.
func (row Row) draw(c *chart.Canvas, y float64) {
	c.Text(labels-16, y+4.5, "", chart.Right, row.Task)
	c.Line(labels, y, plotWidth-2*margin, y, "grid")
	for i, name := range slices.Backward(contenders) {
		if cost, took := row.Costs[name]; took {
			ratio := cost.Nanoseconds / row.Costs["ours"].Nanoseconds
			c.Mark(i, across(ratio), y, fmt.Sprintf("%s: %s µs, %.2f×", name, Micros(cost.Nanoseconds), ratio))
		}
	}
}
