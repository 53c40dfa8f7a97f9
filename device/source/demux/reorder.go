package demux

import (
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"

	"github.com/sightline-rtc/sightline/device/media"
)

// Bounds of looking ahead: decoders hold back 16 pictures at most (H.264 section A.3.1); and as much sound as may stand
// between so many.
const (
	maxReordered = 16
	maxAhead     = 128
)

// reorder gives pictures that are decoded in another order than they are shown the times at which browsers show them: a
// browser takes times that go back for a fault, while its decoder puts the pictures in order by itself. So the times of
// the pictures that others refer to are dealt out anew, in order of decoding. What nothing refers to is not sent (package
// media sees to that) and keeps its time.
type reorder struct {
	Reader
	codec media.Codec
	queue []ordered
	err   error
}

type ordered struct {
	Frame
	// moves says that the time may change.
	moves bool
}

// newReorder returns the reader itself when its pictures cannot be out of order.
func newReorder(r Reader) Reader {
	if c := r.Tracks().Video; c != media.CodecH264 && c != media.CodecH265 {
		return r
	}
	return &reorder{Reader: r, codec: r.Tracks().Video}
}

func (r *reorder) Next() (Frame, error) {
	for r.err == nil && len(r.queue) < maxAhead && r.moving() <= maxReordered {
		f, err := r.Reader.Next()
		if err != nil {
			r.err = err
			break
		}
		r.queue = append(r.queue, ordered{f, !f.Sound && !disposable(r.codec, f.Units)})
	}
	if len(r.queue) == 0 {
		return Frame{}, r.err
	}
	first := r.queue[0]
	r.queue = r.queue[1:]
	if first.moves {
		first.PTS = r.earliest(first.PTS)
	}
	return first.Frame, nil
}

// moving counts the pictures that wait.
func (r *reorder) moving() int {
	n := 0
	for _, f := range r.queue {
		if f.moves {
			n++
		}
	}
	return n
}

// earliest takes the earliest time of those that wait in exchange for another, if it is not the earliest itself.
func (r *reorder) earliest(pts time.Duration) time.Duration {
	for i := range r.queue {
		if f := &r.queue[i]; f.moves && f.PTS < pts {
			f.PTS, pts = pts, f.PTS
		}
	}
	return pts
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
