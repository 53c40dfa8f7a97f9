package media

import (
	"bytes"
	"errors"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// When a picture is made into an IDR picture. Decoders in browsers start with nothing else.
const (
	// markedAfter is how long no IDR picture must have come for one that says itself that decoding can start with it.
	markedAfter = 2 * time.Second
	// plainFirst is the same for an intra picture that says nothing, before the first IDR picture, and plainAfter later: longer
	// than the 10 s between keyframes that cameras are set to out of the box, since pictures after it may refer to those
	// before it.
	plainFirst = 5 * time.Second
	plainAfter = 12 * time.Second
)

// maxSEI bounds how much of a message is looked at.
const maxSEI = 1 << 10

// rescueWords say what h264Rescue does.
const rescueWords = "the camera sends too few keyframes that browsers start with; its other intra pictures are made into such"

// h264Rescue makes streams start that have no IDR pictures, or hardly any: it turns intra pictures into IDR pictures, by their
// slices' headers, and counts the numbers of those that follow from there. It does nothing until it is needed, and again
// nothing from the next IDR picture of the source's own on.
type h264Rescue struct {
	// began is when the first picture came, keyed when the last IDR picture of the source's own did.
	began, keyed time.Time
	// active says that numbers are counted from base, which is the last IDR picture that was made; id tells it from the one
	// before. leading says that what comes is shown before it and cannot be decoded.
	active  bool
	base    numbers
	id      uint32
	leading bool
	// last is frame_num of the last picture, as the source has it. lost says that some are missing, and no picture to start
	// with has come since.
	last uint32
	lost bool
	// greyed is when a grey picture was sent.
	greyed time.Time
	// syntax is that of slices by their picture parameter set, as far as it was asked for.
	syntax map[uint32]sliceSyntax
}

// sees takes note of an access unit.
func (r *h264Rescue) sees(key bool, now time.Time) {
	if r.began.IsZero() {
		r.began = now
	}
	if key {
		r.keyed, r.active, r.lost = now, false, false
	}
}

// pass returns the NAL units to send for an access unit that is not IDR, and whether they have become one. The error is
// errNoRewrite, errLost, or errNoPicture for a picture that is shown before the IDR picture.
func (r *h264Rescue) pass(nalus [][]byte, c *h264Coding, now time.Time) ([][]byte, bool, error) {
	if !r.active && !r.due(nalus, now) {
		return nalus, false, nil
	}
	out := make([][]byte, 0, len(nalus))
	intra := isIntra(nalus)
	first := true
	for _, nalu := range nalus {
		if !isSlice(nalu) {
			out = append(out, nalu)
			continue
		}
		syntax, err := r.syntaxOf(nalu, c)
		if err != nil {
			return nil, false, err
		}
		head, err := readSlice(nalu, syntax)
		if err != nil {
			return nil, false, err
		}
		switch {
		case !intra && r.skips(&head, syntax):
			r.active, r.lost = false, true
			return nil, false, errLost
		case intra:
			nalu, err = r.turn(nalu, &head, syntax, first)
		case r.precedes(&head, syntax):
			return nil, false, errNoPicture
		default:
			nalu = head.renumber(nalu[0], syntax, r.base)
		}
		if err != nil {
			return nil, false, err
		}
		out, first = append(out, nalu), false
	}
	return out, intra, nil
}

// turn makes a slice one of an IDR picture, from whose first slice on numbers are counted.
func (r *h264Rescue) turn(nalu []byte, head *sliceHead, syntax sliceSyntax, first bool) ([]byte, error) {
	if first {
		r.active, r.leading, r.lost, r.last = true, true, false, head.frameNum
		r.base = numbers{head.frameNum, head.lsb + uint32(min(head.deltaBottom, 0))}
		r.id ^= 1
	}
	return head.asIDR(nalu[0], syntax, r.id)
}

// errLost: pictures are missing that others refer to. Browsers do not go on from there.
var errLost = errors.New("pictures are missing")

// skips reports whether a picture does not follow the last one (H.264 section 7.4.3).
func (r *h264Rescue) skips(head *sliceHead, syntax sliceSyntax) bool {
	step := (head.frameNum - r.last) & (1<<syntax.frameNumBits - 1)
	r.last = head.frameNum
	return step > 1
}

// precedes reports whether a picture is shown before the IDR picture. Such come only right after it.
func (r *h264Rescue) precedes(head *sliceHead, syntax sliceSyntax) bool {
	if r.leading && syntax.pocType == 0 {
		after := head.lsb - r.base.lsb
		r.leading = after>>(syntax.lsbBits-1)&1 == 1
		return r.leading
	}
	return false
}

// due reports whether an access unit is to be made IDR.
func (r *h264Rescue) due(nalus [][]byte, now time.Time) bool {
	if !isIntra(nalus) {
		return false
	}
	never := r.keyed.IsZero()
	if frames, marked := recoveryPoint(nalus); marked && frames == 0 {
		return never || now.Sub(r.keyed) >= markedAfter
	}
	return never && now.Sub(r.began) >= plainFirst || !never && now.Sub(r.keyed) >= plainAfter
}

// forget has the syntax read again: parameter sets have changed.
func (r *h264Rescue) forget() { r.syntax = nil }

func (r *h264Rescue) syntaxOf(nalu []byte, c *h264Coding) (sliceSyntax, error) {
	id, _, ok := sliceParameterSet(nalu)
	if !ok {
		return sliceSyntax{}, errNoRewrite
	}
	if known, ok := r.syntax[id]; ok {
		return known, nil
	}
	pps := c.pps.byID[id]
	if len(pps) == 0 {
		return sliceSyntax{}, errNoRewrite
	}
	s, err := readSyntax(pps, c.sps.byID)
	if err != nil {
		return sliceSyntax{}, err
	}
	if r.syntax == nil {
		r.syntax = make(map[uint32]sliceSyntax)
	}
	r.syntax[id] = s
	return s, nil
}

// isIntra reports whether a picture that is not IDR refers to no other: all its slices are of type I, from its first on.
func isIntra(nalus [][]byte) bool {
	slices := 0
	for _, nalu := range nalus {
		if len(nalu) < 2 || !isSlice(nalu) {
			continue
		}
		if slices++; slices == 1 && nalu[1]&0x80 == 0 {
			return false
		}
		if _, kind, ok := sliceParameterSet(nalu); !ok || kind%5 != 2 || nalType(nalu) != h264.NALUTypeNonIDR {
			return false
		}
	}
	return slices > 0
}

// recoveryPoint looks for the message that decoding can start here (H.264 section D.2.8) and returns after how many frames the
// picture is whole.
func recoveryPoint(nalus [][]byte) (frames uint32, ok bool) {
	for _, nalu := range nalus {
		if len(nalu) == 0 || nalType(nalu) != h264.NALUTypeSEI {
			continue
		}
		for b := h264.EmulationPreventionRemove(nalu[1:min(len(nalu), maxSEI)]); len(b) > 2; {
			var kind, size int
			kind, b = seiNumber(b)
			size, b = seiNumber(b)
			size = min(size, len(b))
			if kind == 6 {
				r := &bitReader{b: b[:size]}
				frames = r.ue()
				return frames, !r.short
			}
			b = b[size:]
		}
	}
	return 0, false
}

// seiNumber reads a number of bytes that all count (H.264 section 7.3.2.3.1).
func seiNumber(b []byte) (n int, rest []byte) {
	full := len(b) - len(bytes.TrimLeft(b, "\xff"))
	if full == len(b) {
		return 0, nil
	}
	return 255*full + int(b[full]), b[full+1:]
}
