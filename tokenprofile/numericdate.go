package tokenprofile

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/tokenprofile/tokenprofile-go/tokenprofile/internal/strictjson"
)

// maxDate is the end of the year 9999, which is as far as dates are written.
const maxDate = 253402300799

// A dateError says why a value is not a date.
type dateError string

func (e dateError) Error() string { return string(e) }

const (
	errNoDate = dateError("is not a number")
	errDate   = dateError("is not between 0 and 253402300799")
)

// A NumericDate is a time as a claim has it: seconds since 1970, UTC, with or
// without a fraction (RFC 7519 section 2). It is the type of a field that
// [Token.Decode] fills from exp or auth_time. The zero value is null.
type NumericDate struct{ time.Time }

// MarshalJSON writes whole seconds. 0 is an error, because it is hardly meant.
func (d NumericDate) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	if seconds := d.Unix(); seconds < 1 || seconds > maxDate {
		return nil, errors.New("tokenprofile: the date is not between 1 and 253402300799")
	}
	return strconv.AppendInt(nil, d.Unix(), 10), nil
}

// UnmarshalJSON reads a number between 0 and 253402300799, the end of the year
// 9999.
func (d *NumericDate) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		d.Time = time.Time{}
		return nil
	}
	date, err := parseNumericDate(data)
	if err != nil {
		return fmt.Errorf("tokenprofile: the date %w", err)
	}
	d.Time = date
	return nil
}

var _ json.Marshaler = NumericDate{}

func parseNumericDate(value strictjson.Value) (time.Time, error) {
	if !value.IsNumber() {
		return time.Time{}, errNoDate
	}
	if seconds, ok := wholeSeconds(value); ok {
		return dateOf(seconds, 0)
	}
	// A fraction or an exponent: 53 bits hold such dates to the microsecond.
	number, err := strconv.ParseFloat(string(value), 64)
	if err != nil || number < 0 || number > maxDate {
		return time.Time{}, errDate
	}
	seconds, fraction := math.Modf(number)
	return dateOf(int64(seconds), int64(fraction*1e9))
}

func wholeSeconds(value strictjson.Value) (seconds int64, ok bool) {
	const longest = len("253402300799")
	if len(value) > longest {
		return 0, false
	}
	for _, c := range value {
		if c < '0' || c > '9' {
			return 0, false
		}
		seconds = seconds*10 + int64(c-'0')
	}
	return seconds, true
}

func dateOf(seconds, nanoseconds int64) (time.Time, error) {
	if seconds > maxDate {
		return time.Time{}, errDate
	}
	return time.Unix(seconds, nanoseconds), nil
}
