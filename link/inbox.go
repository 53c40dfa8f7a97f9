package link

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// inbox is what this end has of the other: which sequenced messages it saw, took over and still owes an
// acknowledgement for.
type inbox struct {
	seen, took uint64
	owed       int
	since      time.Time
}

func (in *inbox) check(e *protocol.Envelope) (handle bool, err error) {
	sequenced := e.Class() == protocol.ClassSequenced || !e.Type.Known() && e.Seq != 0
	switch {
	case !sequenced && e.Seq == 0:
		return true, nil
	case !sequenced:
		return false, protocol.Errorf(protocol.CodeSequence, "a %s message carries no sequence number", e.Type)
	case e.Seq == 0:
		return false, protocol.Errorf(protocol.CodeSequence, "a %s message needs a sequence number", e.Type)
	case e.Seq <= in.seen:
		return false, nil
	case e.Seq > in.seen+1:
		return false, protocol.Errorf(protocol.CodeSequence, "message %d came after %d", e.Seq, in.seen)
	}
	in.seen = e.Seq
	return true, nil
}

func (in *inbox) take(seq uint64, now time.Time) {
	if seq <= in.took || seq > in.seen {
		return
	}
	if in.owed == 0 {
		in.since = now
	}
	in.owed += int(seq - in.took) //nolint:gosec // bounded by what the other end may leave unacknowledged
	in.took = seq
}
