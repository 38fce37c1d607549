package speed

var Median = median

func (r Results) Table() string { return r.table() }
func (r Results) Plot() string  { return r.plot() }
