package peer

import (
	"slices"
	"time"

	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
)

const (
	// reorderTime is how long a packet waits for one before it: what a person does not notice.
	reorderTime = 100 * time.Millisecond
	// maxReorder is how many wait at most: as long, in packets of 10 ms.
	maxReorder = 10
	// jumpAhead is a step in sequence numbers that no loss makes in a talk: the viewer has begun anew. Two seconds of
	// packets of 20 ms.
	jumpAhead = 100
)

// reorder puts the packets of one sender into their order. Those that come too late are dropped, and so are repeated ones.
// What is in order waits for nothing: the camera has a buffer of its own.
type reorder struct {
	clockRate uint32
	begun     bool
	// next is the sequence number that is due, time the newest timestamp and at the time since the beginning that it is.
	next    uint16
	time    uint32
	at      time.Duration
	waiting []waitingPacket
}

type waitingPacket struct {
	sequence  uint16
	timestamp uint32
	payload   []byte
	came      time.Time
}

// push takes a packet and returns what can be played now, with times that begin at zero. The payloads are copies.
func (r *reorder) push(p *rtp.Packet, now time.Time) []media.AudioFrame {
	if !r.begun {
		r.begun, r.next, r.time = true, p.SequenceNumber, p.Timestamp
	}
	ahead := int16(p.SequenceNumber - r.next) //nolint:gosec // modulo 2^16 by design
	if ahead > jumpAhead || ahead < -jumpAhead {
		r.waiting, r.next, r.time, ahead = nil, p.SequenceNumber, p.Timestamp, 0
	}
	var frames []media.AudioFrame
	switch {
	case ahead < 0:
		return nil
	case ahead == 0:
		frames = append(frames, r.play(p.SequenceNumber, p.Timestamp, slices.Clone(p.Payload)))
	default:
		r.wait(p, now)
	}
	return r.release(frames, now)
}

// wait keeps a packet in its place.
func (r *reorder) wait(p *rtp.Packet, now time.Time) {
	place, known := slices.BinarySearchFunc(r.waiting, p.SequenceNumber, func(w waitingPacket, sequence uint16) int {
		return int(int16(w.sequence-r.next)) - int(int16(sequence-r.next)) //nolint:gosec // as above
	})
	if !known {
		r.waiting = slices.Insert(r.waiting, place, waitingPacket{p.SequenceNumber, p.Timestamp, slices.Clone(p.Payload), now})
	}
}

// release plays what waits no longer: what is due now, and what has waited long enough, or in too long a line, for one that
// is lost.
func (r *reorder) release(frames []media.AudioFrame, now time.Time) []media.AudioFrame {
	for len(r.waiting) > 0 {
		first := r.waiting[0]
		late := len(r.waiting) > maxReorder || slices.ContainsFunc(r.waiting, func(w waitingPacket) bool {
			return now.Sub(w.came) >= reorderTime
		})
		if first.sequence != r.next && !late {
			break
		}
		r.waiting = r.waiting[1:]
		frames = append(frames, r.play(first.sequence, first.timestamp, first.payload))
	}
	return frames
}

// play gives a frame its time. Timestamps that go back, or ahead by more than a minute, stand for no time.
func (r *reorder) play(sequence uint16, timestamp uint32, payload []byte) media.AudioFrame {
	step := time.Duration(int32(timestamp-r.time)) * time.Second / time.Duration(r.clockRate) //nolint:gosec // modulo 2^32
	if step > 0 && step <= time.Minute {
		r.at += step
	}
	r.next, r.time = sequence+1, timestamp
	return media.AudioFrame{Payload: payload, PTS: r.at}
}
