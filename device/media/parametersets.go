package media

import (
	"bytes"
	"maps"
	"slices"
)

// maxParameterSetBytes is far more than any parameter set has.
const maxParameterSetBytes = 4 << 10

// parameterSets are the current ones of one kind, by their number.
type parameterSets struct {
	byID map[uint32][]byte
	// latest is the one that came last.
	latest []byte
}

// keep remembers a copy of a parameter set and reports whether it is new. One with a number over the highest is ignored.
func (p *parameterSets) keep(id, highest uint32, nalu []byte) (changed bool) {
	if id > highest || len(nalu) > maxParameterSetBytes || bytes.Equal(p.byID[id], nalu) {
		return false
	}
	if p.byID == nil {
		p.byID = make(map[uint32][]byte)
	}
	nalu = bytes.Clone(nalu)
	p.byID[id], p.latest = nalu, nalu
	return true
}

// all lists the current parameter sets of several kinds, in the order of the kinds.
func all(kinds ...*parameterSets) [][]byte {
	var list [][]byte
	for _, kind := range kinds {
		for _, id := range slices.Sorted(maps.Keys(kind.byID)) {
			list = append(list, kind.byID[id])
		}
	}
	return list
}
