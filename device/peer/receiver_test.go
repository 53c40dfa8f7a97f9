package peer

import (
	"time"

	"github.com/pion/interceptor/pkg/twcc"
	"github.com/pion/rtp"
)

// receiver puts pictures together as they come.
type receiver struct {
	packets map[uint64]*rtp.Packet
	// next is the first packet that is not there, highest the last that came.
	next, highest uint64
	started       bool
	missing       map[uint64]*lack
	feedback      *twcc.Recorder
	// shown are when pictures were complete and in order, late how long after their first packet had left.
	shown []time.Time
	late  []time.Duration
	// left is when the first packet of a picture had left, by its RTP time.
	left map[uint32]time.Time
	plis int
	// shownAt is when the last picture was complete, asked when a keyframe was asked for.
	shownAt, asked time.Time
}

type lack struct {
	tries int
	asked time.Time
}

func (v *receiver) take(p *rtp.Packet, now time.Time) {
	if !v.started {
		v.started, v.next = true, 1<<16|uint64(p.SequenceNumber)
		v.highest, v.shownAt = v.next, now
	}
	seq := v.highest + uint64(int64(int16(p.SequenceNumber-uint16(v.highest))))
	if seq < v.next || v.packets[seq] != nil {
		return
	}
	for n := v.highest + 1; n < seq; n++ {
		v.missing[n] = &lack{}
	}
	v.highest = max(v.highest, seq)
	delete(v.missing, seq)
	v.packets[seq] = p
	if first, ok := v.keyframe(seq); ok && first > v.next {
		v.skip(first)
	}
	for v.packets[v.next] != nil {
		q := v.packets[v.next]
		delete(v.packets, v.next)
		v.next++
		if q.Marker {
			v.shown = append(v.shown, now)
			v.late = append(v.late, now.Sub(v.left[q.Timestamp]))
			v.shownAt = now
		}
	}
}

// keyframe finds the first packet of the picture that a packet belongs to, if that is a keyframe and complete: decoding goes
// on there, whatever is missing before.
func (v *receiver) keyframe(seq uint64) (first uint64, ok bool) {
	ts := v.packets[seq].Timestamp
	for first = seq; v.packets[first-1] != nil && v.packets[first-1].Timestamp == ts; first-- {
	}
	const stapA = 24 // of the parameter sets before a keyframe
	if v.packets[first].Payload[0]&0x1f != stapA {
		return 0, false
	}
	for n := first; v.packets[n] != nil; n++ {
		if v.packets[n].Marker {
			return first, true
		}
	}
	return 0, false
}

// skip goes on at a packet.
func (v *receiver) skip(to uint64) {
	for ; v.next < to; v.next++ {
		delete(v.missing, v.next)
		delete(v.packets, v.next)
	}
}
