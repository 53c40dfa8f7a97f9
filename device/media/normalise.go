package media

import (
	"bytes"
	"errors"
	"maps"
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// Bounds of parameter sets: the numbers of H.264 sections 7.4.2.1.1 and 7.4.2.2, and far more bytes than any has.
const (
	maxSPSID             = 31
	maxPPSID             = 255
	maxParameterSetBytes = 4 << 10
)

var (
	// errNoPicture: parameter sets, messages or disposable B slices alone.
	errNoPicture = errors.New("no picture in the access unit")
	// errNoParameterSets: nobody can decode such a keyframe.
	errNoParameterSets = errors.New("keyframe before any parameter sets")
)

// normaliser brings the access units of one H.264 source into the form that is sent: without delimiters and filler,
// without B slices that nothing refers to (they come out of order, which browsers answer with freezes), and with the
// current parameter sets before each IDR picture whether the source repeats them or not.
type normaliser struct {
	sps, pps map[uint32][]byte
	// latest is the parameter set of each kind that came last.
	latestSPS, latestPPS []byte
	// spsChanged tells that latestSPS is new since it was last asked.
	spsChanged bool
}

// normalise returns the NAL units to send, which share memory with the given ones, and whether decoding can start
// with them. The errors are ErrTooLarge, errNoPicture and errNoParameterSets.
func (n *normaliser) normalise(nalus [][]byte) (out [][]byte, key bool, err error) {
	var sets, rest [][]byte
	if !fits(nalus) {
		return nil, false, ErrTooLarge
	}
	picture := false
	for _, nalu := range nalus {
		if !wellFormed(nalu) {
			continue
		}
		switch t := nalType(nalu); t {
		case h264.NALUTypeSPS, h264.NALUTypePPS:
			if n.keep(nalu) {
				sets = append(sets, nalu)
			}
		case h264.NALUTypeSEI:
			rest = append(rest, nalu)
		default:
			if !isSlice(nalu) || isDisposableB(nalu) {
				continue
			}
			picture = true
			key = key || t == h264.NALUTypeIDR
			rest = append(rest, nalu)
		}
	}
	switch {
	case !picture:
		return nil, false, errNoPicture
	case key && (len(n.sps) == 0 || len(n.pps) == 0):
		return nil, false, errNoParameterSets
	case key:
		sets = n.all()
	}
	return append(sets, rest...), key, nil
}

// wellFormed reports whether a NAL unit has a header whose forbidden_zero_bit is 0 (H.264 section 7.4.1).
func wellFormed(nalu []byte) bool { return len(nalu) > 0 && nalu[0]&0x80 == 0 }

// fits reports whether an access unit is within MaxAccessUnit.
func fits(nalus [][]byte) bool {
	size := 0
	for _, nalu := range nalus {
		size += len(nalu)
	}
	return size <= MaxAccessUnit
}

// keep remembers a copy of a parameter set and reports whether it is new. One that cannot be read is ignored.
func (n *normaliser) keep(nalu []byte) (changed bool) {
	id, err := parameterSetID(nalu)
	isSPS := nalType(nalu) == h264.NALUTypeSPS
	kept, maxID := &n.pps, uint32(maxPPSID)
	if isSPS {
		kept, maxID = &n.sps, maxSPSID
	}
	if err != nil || id > maxID || len(nalu) > maxParameterSetBytes || bytes.Equal((*kept)[id], nalu) {
		return false
	}
	if isSPS {
		if _, err := FormatOf(nalu); err != nil {
			return false
		}
	}
	if *kept == nil {
		*kept = make(map[uint32][]byte)
	}
	nalu = bytes.Clone(nalu)
	(*kept)[id] = nalu
	if isSPS {
		n.latestSPS, n.spsChanged = nalu, true
	} else {
		n.latestPPS = nalu
	}
	return true
}

// all lists the current parameter sets, SPS first.
func (n *normaliser) all() [][]byte {
	sets := make([][]byte, 0, len(n.sps)+len(n.pps)+4)
	for _, kept := range []map[uint32][]byte{n.sps, n.pps} {
		for _, id := range slices.Sorted(maps.Keys(kept)) {
			sets = append(sets, kept[id])
		}
	}
	return sets
}
