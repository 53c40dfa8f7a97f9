package media

import (
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// The highest numbers of parameter sets (H.264 sections 7.4.2.1.1 and 7.4.2.2).
const (
	maxSPSID = 31
	maxPPSID = 255
)

// h264Coding sends H.264 without delimiters and filler, without B slices that nothing refers to (they come out of order,
// which browsers answer with freezes), and with the current parameter sets before each IDR picture whether the source
// repeats them or not.
type h264Coding struct {
	sps, pps parameterSets
	// changed tells that one of them is new since describe was last asked.
	changed bool
	rescue  h264Rescue
	// first is a picture to be sent before the last access unit, nil for none.
	first [][]byte
	// remark is told what was worked around.
	remark func(string)
}

func (c *h264Coding) normalise(nalus [][]byte, at arrival) (out [][]byte, key bool, err error) {
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
			if c.keep(nalu) {
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
	if !picture {
		return nil, false, errNoPicture
	}
	if c.rescue.sees(key, at.now); !key {
		if rest, key, err = c.save(rest, at); err != nil {
			return nil, false, err
		}
	}
	if key {
		if !c.complete() {
			return nil, false, errNoParameterSets
		}
		sets = all(&c.sps, &c.pps)
	}
	return append(sets, rest...), key, nil
}

// save has the rescue see to a picture that is not IDR.
func (c *h264Coding) save(nalus [][]byte, at arrival) (out [][]byte, key bool, err error) {
	if c.rescue.wipe(nalus, at.wanted, at.now) {
		// What cannot be made is no fault of this picture.
		if c.first, err = c.rescue.grey(nalus, c, at.now); err == nil {
			c.remark(greyWords)
		}
	}
	if out, key, err = c.rescue.pass(nalus, c, at.now); key {
		c.remark(rescueWords)
	}
	return out, key, err
}

func (c *h264Coding) before() [][]byte {
	first := c.first
	c.first = nil
	return first
}

// wellFormed reports whether a NAL unit has a header whose forbidden_zero_bit is 0 (H.264 section 7.4.1).
func wellFormed(nalu []byte) bool { return len(nalu) > 0 && nalu[0]&0x80 == 0 }

// complete reports whether there is a parameter set of each kind.
func (c *h264Coding) complete() bool {
	return c.sps.latest != nil && c.pps.latest != nil
}

// keep remembers a parameter set and reports whether it is new. One that cannot be read is ignored.
func (c *h264Coding) keep(nalu []byte) (changed bool) {
	id, err := parameterSetID(nalu)
	if err != nil {
		return false
	}
	if nalType(nalu) == h264.NALUTypePPS {
		changed = c.pps.keep(id, maxPPSID, nalu)
	} else if _, err := FormatOf(nalu); err == nil {
		changed = c.sps.keep(id, maxSPSID, nalu)
	}
	if changed {
		c.changed = true
		c.rescue.forget()
	}
	return changed
}

func (c *h264Coding) describe() (Format, bool) {
	if !c.changed || !c.complete() {
		return Format{}, false
	}
	c.changed = false
	f, err := FormatOf(c.sps.latest)
	f.PPS = c.pps.latest
	return f, err == nil
}

func (*h264Coding) packetise(nalus [][]byte, _ bool) [][]byte { return packetiseH264(nalus) }
