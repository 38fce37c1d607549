package jwks

import "time"

const (
	maxJunk   = 256 // kids; each has cost a fetch, so 256 take two hours
	junkLimit = 16  // × MinInterval, the longest pause of one kid
)

// junk remembers kids that a fetch was made for and did not find, so that the
// same ones over and over do not use up the allowance of new ones. Its zero
// value is empty.
type junk map[string]pause

type pause struct {
	length time.Duration
	until  time.Time
}

// pausing reports whether the kid may not cause a fetch yet.
func (j junk) pausing(kid string, now time.Time) bool { return now.Before(j[kid].until) }

// settle notes what a fetch for the kid has shown.
func (j *junk) settle(kid string, found bool, now time.Time, interval time.Duration) {
	if found {
		delete(*j, kid)
		return
	}
	if *j == nil {
		*j = junk{}
	}
	if _, known := (*j)[kid]; !known && len(*j) >= maxJunk {
		j.forgetOne()
	}
	length := min(max(2*(*j)[kid].length, 2*interval), junkLimit*interval)
	(*j)[kid] = pause{length, now.Add(length)}
}

// forgetOne makes room: the one whose pause ends first has the least to lose.
func (j junk) forgetOne() {
	var first string
	for kid, p := range j {
		if first == "" || p.until.Before(j[first].until) {
			first = kid
		}
	}
	delete(j, first)
}
