package media

import (
	"slices"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// The highest numbers of parameter sets (H.265 sections 7.4.3.1 to 7.4.3.3).
const (
	maxVPSID265 = 15
	maxSPSID265 = 15
	maxPPSID265 = 63
)

// h265Coding sends H.265 without delimiters and filler, without pictures that come out of order and that nothing refers to
// (browsers answer them with freezes), and with the current parameter sets before each picture that decoding can start
// with.
type h265Coding struct {
	vps, sps, pps parameterSets
	// changed tells that one of them is new since describe was last asked.
	changed bool
	// reorders tells that pictures come out of order, topLayer is the highest TemporalId; by the latest SPS.
	reorders bool
	topLayer uint8
}

func (c *h265Coding) normalise(nalus [][]byte, _ arrival) (out [][]byte, key bool, err error) {
	var sets, rest [][]byte
	if !fits(nalus) {
		return nil, false, ErrTooLarge
	}
	picture := false
	for _, nalu := range nalus {
		if !wellFormed265(nalu) {
			continue
		}
		switch t := nalType265(nalu); t {
		case h265.NALUType_VPS_NUT, h265.NALUType_SPS_NUT, h265.NALUType_PPS_NUT:
			if c.keep(nalu) {
				sets = append(sets, nalu)
			}
		case h265.NALUType_PREFIX_SEI_NUT, h265.NALUType_SUFFIX_SEI_NUT:
			rest = append(rest, nalu)
		default:
			if !isSlice265(nalu) || c.disposable(nalu) {
				continue
			}
			picture = true
			key = key || isRandomAccess(t)
			rest = append(rest, nalu)
		}
	}
	switch {
	case !picture:
		return nil, false, errNoPicture
	case key && !c.complete():
		return nil, false, errNoParameterSets
	case key:
		sets = all(&c.vps, &c.sps, &c.pps)
	}
	return append(sets, rest...), key, nil
}

// disposable reports whether a picture comes out of order and no other that is sent refers to it: leading pictures, which
// could not be shown after a start anyway, and in a stream that reorders those of the highest sub-layer that are no
// references there.
func (c *h265Coding) disposable(nalu []byte) bool {
	t := nalType265(nalu)
	if isLeading(t) {
		return true
	}
	return c.reorders && t <= h265.NALUType_STSA_R && t%2 == 0 && temporalID(nalu) >= c.topLayer
}

// complete reports whether there is a parameter set of each kind.
func (c *h265Coding) complete() bool {
	return c.vps.latest != nil && c.sps.latest != nil && c.pps.latest != nil
}

// keep remembers a parameter set and reports whether it is new. One that cannot be read is ignored.
func (c *h265Coding) keep(nalu []byte) (changed bool) {
	id, err := parameterSetID265(nalu)
	if err != nil {
		return false
	}
	switch nalType265(nalu) {
	case h265.NALUType_VPS_NUT:
		changed = c.vps.keep(id, maxVPSID265, nalu)
	case h265.NALUType_PPS_NUT:
		changed = c.pps.keep(id, maxPPSID265, nalu)
	default:
		if _, err := formatOf265(nalu); err == nil {
			changed = c.sps.keep(id, maxSPSID265, nalu)
		}
		if changed {
			c.order(nalu)
		}
	}
	c.changed = c.changed || changed
	return changed
}

// order learns how pictures are ordered.
func (c *h265Coding) order(nalu []byte) {
	if sps, err := parseSPS265(nalu); err == nil {
		c.reorders, c.topLayer = slices.Max(sps.MaxNumReorderPics) > 0, sps.MaxSubLayersMinus1
	}
}

func (c *h265Coding) describe() (Format, bool) {
	if !c.changed || !c.complete() {
		return Format{}, false
	}
	c.changed = false
	f, err := formatOf265(c.sps.latest)
	f.VPS, f.PPS = c.vps.latest, c.pps.latest
	return f, err == nil
}

func (*h265Coding) packetise(nalus [][]byte, _ bool) [][]byte { return packetiseH265(nalus) }
