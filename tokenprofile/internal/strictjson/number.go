package strictjson

import "strconv"

// number is RFC 8259 section 6.
func (s *Scanner) number() error {
	start := s.at
	s.take('-')
	if s.take('0') {
		// No digit may follow a leading zero; the caller finds it misplaced.
	} else if s.digits() == 0 {
		return ErrSyntax
	}
	whole := s.at - start
	if s.take('.') && s.digits() == 0 {
		return ErrSyntax
	}
	exponent, err := s.exponent()
	if err != nil || exponent < MaxExponent && whole < alwaysFinite {
		return err
	}
	if _, err := strconv.ParseFloat(string(s.data[start:s.at]), 64); err != nil {
		return ErrRange
	}
	return nil
}

// alwaysFinite is how many digits a number may have before its point, with an
// exponent of less than [MaxExponent] digits behind, and be no more than a
// float64 holds.
const alwaysFinite = 200

// exponent reads the exponent of a number, if there is one, and returns how
// many digits it has.
func (s *Scanner) exponent() (digits int, err error) {
	if !s.take('e') && !s.take('E') {
		return 0, nil
	}
	if !s.take('+') {
		s.take('-')
	}
	switch digits = s.digits(); {
	case digits == 0:
		return 0, ErrSyntax
	case digits > MaxExponent:
		return 0, ErrExponent
	}
	return digits, nil
}

func (s *Scanner) digits() int {
	start := s.at
	for s.at < len(s.data) && s.data[s.at]-'0' <= 9 {
		s.at++
	}
	return s.at - start
}
