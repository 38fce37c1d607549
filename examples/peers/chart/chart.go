// Package chart draws what the plots here have in common, as SVG that reads
// well on a light page and on a dark one.
package chart

import (
	"fmt"
	"html"
	"strings"
)

// Canvas is a picture that is being drawn, in pixels from its upper left corner.
type Canvas struct {
	width, height int
	body          strings.Builder
}

// New is an empty picture.
func New(width, height int) *Canvas { return &Canvas{width: width, height: height} }

// Ends of a text that stand at its place.
const (
	Left   = "start"
	Middle = "middle"
	Right  = "end"
)

// Text writes a line. class is one of the style's.
func (c *Canvas) Text(x, y float64, class, end, text string) {
	fmt.Fprintf(&c.body, "<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" text-anchor=\"%s\">%s</text>\n", x, y, class, end, html.EscapeString(text))
}

// Line draws a straight line of a class of the style.
func (c *Canvas) Line(x1, y1, x2, y2 float64, class string) {
	fmt.Fprintf(&c.body, "<line x1=\"%.1f\" y1=\"%.1f\" x2=\"%.1f\" y2=\"%.1f\" class=\"%s\"/>\n", x1, y1, x2, y2, class)
}

// Path draws a line through points, in the colour of a series.
func (c *Canvas) Path(series int, points [][2]float64) {
	fmt.Fprintf(&c.body, "<polyline class=\"path s%d\" points=\"", series)
	for _, p := range points {
		fmt.Fprintf(&c.body, "%.1f,%.1f ", p[0], p[1])
	}
	c.body.WriteString("\"/>\n")
}

// Series is how many series are told apart, by colour and by shape.
const Series = len(shapes)

// shapes are drawn around their place, about eleven pixels wide.
var shapes = [...]string{
	`<circle r="5.5"/>`,
	`<path d="M-4.5-4.5h9v9h-9z"/>`,
	`<path d="M0-6.2L5.8 4.4h-11.6z"/>`,
	`<path d="M0-6.2L6.2 0 0 6.2-6.2 0z"/>`,
	`<path d="M0 6.2L5.8-4.4h-11.6z"/>`,
	`<path d="M-6-1.8h4.2v-4.2h3.6v4.2h4.2v3.6h-4.2v4.2h-3.6v-4.2h-4.2z"/>`,
	`<path d="M-1.6-6h3.2v12h-3.2z"/>`,
}

// Mark draws the shape of a series at a place, and says what it is to whoever
// points at it.
func (c *Canvas) Mark(series int, x, y float64, title string) {
	fmt.Fprintf(&c.body, "<g class=\"mark s%d\" transform=\"translate(%.1f %.1f)\"><title>%s</title>%s</g>\n", series, x, y, html.EscapeString(title), shapes[series])
}

const style = `text{font-family:system-ui,-apple-system,"Segoe UI",Helvetica,Arial,sans-serif;font-size:13px;fill:var(--ink)}
.title{font-size:16px;font-weight:600}.small{font-size:12px;fill:var(--soft)}.strong{font-weight:600}
.grid{stroke:var(--grid)}.axis{stroke:var(--soft)}.ours{stroke:var(--s0);stroke-width:2}
.page{fill:var(--page);stroke:var(--grid)}.mark{stroke:var(--page)}.path{fill:none;stroke-width:2}
svg{--page:#fff;--ink:#1f2328;--soft:#59636e;--grid:#e4e8ec;--s0:#0969da;--s1:#6e7781;--s2:#d1570b;--s3:#1a7f37;--s4:#8250df;--s5:#bf3989;--s6:#9a6700}
@media(prefers-color-scheme:dark){svg{--page:#0d1117;--ink:#e6edf3;--soft:#9198a1;--grid:#2a313a;--s0:#58a6ff;--s1:#9198a1;--s2:#f0883e;--s3:#3fb950;--s4:#bc8cff;--s5:#f778ba;--s6:#d29922}}
`

// String is the picture.
func (c *Canvas) String() string {
	var text strings.Builder
	fmt.Fprintf(&text, "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" role=\"img\">\n<style>%s", c.width, c.height, c.width, c.height, style)
	for i := range shapes {
		fmt.Fprintf(&text, ".mark.s%d{fill:var(--s%d)}.path.s%d{stroke:var(--s%d)}", i, i, i, i)
	}
	fmt.Fprintf(&text, "</style>\n<rect class=\"page\" x=\".5\" y=\".5\" width=\"%d\" height=\"%d\" rx=\"6\"/>\n%s</svg>\n", c.width-1, c.height-1, c.body.String())
	return text.String()
}
