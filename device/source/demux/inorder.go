package demux

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sightline-rtc/sightline/device/media"
)

// lookAhead is how many frames of a file tell whether pictures are out of order: some groups of B-frames.
const lookAhead = 64

// inOrder leaves out pictures that are not decoded in the order in which they are shown: the decoders of browsers show each
// at once, and one that goes back is a fault to them, which costs all up to the next keyframe. B-frames that nothing refers
// to go alone. With one that others refer to, in a pyramid, goes all that follows up to the next keyframe.
type inOrder struct {
	Reader
	tracks Tracks
	ahead  []Frame
	err    error
	// order tells the place of each picture, of which n have come: containers' times cannot be relied on.
	order displayOrder
	n     int64
	// shown is the place of the last picture that was passed on.
	shown int64
	// waits tells that a keyframe must come first.
	waits bool
}

// newInOrder returns the reader itself when its pictures cannot be out of order. So many frames are looked at ahead.
func newInOrder(r Reader, ahead int) Reader {
	tracks := r.Tracks()
	if tracks.Video != media.CodecH264 && tracks.Video != media.CodecH265 {
		return r
	}
	o := &inOrder{Reader: r, tracks: tracks, order: newDisplayOrder(tracks.Video)}
	trial := inOrder{tracks: tracks, order: newDisplayOrder(tracks.Video)}
	for len(o.ahead) < ahead && o.err == nil {
		var f Frame
		if f, o.err = r.Next(); o.err == nil {
			o.ahead = append(o.ahead, f)
			trial.passes(f)
			o.tracks.Disordered = o.tracks.Disordered || trial.waits
		}
	}
	return o
}

func (o *inOrder) Tracks() Tracks { return o.tracks }

func (o *inOrder) Next() (Frame, error) {
	for {
		f, err := o.read()
		if err != nil {
			return f, err
		}
		passes := o.passes(f)
		o.tracks.Disordered = o.tracks.Disordered || o.waits
		if passes {
			return f, nil
		}
	}
}

func (o *inOrder) read() (Frame, error) {
	if len(o.ahead) > 0 {
		f := o.ahead[0]
		o.ahead = o.ahead[1:]
		return f, nil
	}
	if o.err != nil {
		return Frame{}, o.err
	}
	return o.Reader.Next()
}

// passes reports whether a frame can be shown.
func (o *inOrder) passes(f Frame) bool {
	if f.Sound {
		return true
	}
	place := o.order.place(f.Units, o.n)
	o.n++
	switch {
	case media.IsKey(o.tracks.Video, f.Units):
		o.waits = false
	case o.waits || disposable(o.tracks.Video, f.Units):
		return false
	case place < o.shown:
		o.waits = true
		return false
	}
	o.shown = place
	return true
}

// disposable reports whether no other picture refers to one that is out of order.
func disposable(c media.Codec, units [][]byte) bool {
	for _, nalu := range units {
		if len(nalu) < 3 {
			continue
		}
		if c == media.CodecH265 {
			if t := nalu[0] >> 1 & 0x3f; t < 32 {
				return t < 10 && t%2 == 0 || t >= 6 && t <= 9
			}
			continue
		}
		switch h264.NALUType(nalu[0] & 0x1f) {
		case h264.NALUTypeIDR:
			return false
		case h264.NALUTypeNonIDR:
			return nalu[0]&0x60 == 0 && sliceType(nalu)%5 == 1
		}
	}
	return false
}

// sliceType returns slice_type of H.264, 0 when it cannot be read.
func sliceType(nalu []byte) uint32 {
	head, pos := h264.EmulationPreventionRemove(nalu[1:min(len(nalu), 16)]), 0
	if _, err := bits.ReadGolombUnsigned(head, &pos); err != nil {
		return 0
	}
	t, _ := bits.ReadGolombUnsigned(head, &pos) // It is 0 then.
	return t
}
