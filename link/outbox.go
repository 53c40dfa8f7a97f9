package link

import (
	"encoding/json"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// envelopeOverhead is more than the JSON of all envelope fields but data can take.
	envelopeOverhead = 256
	// maxControl bounds queued control messages: a peer that pings without reading is as slow as any other.
	maxControl = 32
)

// outbox holds what waits for the socket, by class, and the sequenced messages that the other end has not
// acknowledged yet. Nothing in it is unbounded (docs/protocol.md, "Back pressure").
type outbox struct {
	maxMessages, maxBytes int
	// waiting is what all queues but unacked hold, in the measure of unackedBytes.
	waiting int

	// shares are of the sessions that have one.
	shares map[protocol.SessionID]*share

	control []protocol.Envelope

	unacked      []protocol.Envelope // oldest first; the first has number acked+1
	unackedBytes int
	written      int // how many of unacked are on the socket already
	// last was numbered last, sent is the highest that was ever on a socket, acked the highest that arrived.
	last, sent, acked uint64

	state     map[string]protocol.Envelope
	stateKeys []string // in the order of first queueing

	events           []protocol.Envelope
	gapFrom, gapTo   uint64
	volatileMessages []protocol.Envelope
}

func (o *outbox) push(e protocol.Envelope) error {
	if len(e.Data) > protocol.MaxMessageBytes-envelopeOverhead {
		return protocol.Errorf(protocol.CodeTooLarge, "a %s message of %d bytes is over the limit", e.Type, len(e.Data))
	}
	switch e.Class() {
	case protocol.ClassSequenced:
		return o.pushSequenced(e)
	case protocol.ClassState:
		return o.pushState(e)
	case protocol.ClassEvent:
		o.pushEvent(e)
	case protocol.ClassVolatile:
		o.pushVolatile(e)
	default:
		if len(o.control) >= maxControl {
			return protocol.Errorf(protocol.CodeTooSlow, "%d control messages are waiting", len(o.control))
		}
		o.pushControl(e)
	}
	return nil
}

// weight is what a kept message counts for.
func weight(e *protocol.Envelope) int { return len(e.Data) + envelopeOverhead }

func (o *outbox) queued() int { return o.unackedBytes + o.waiting }

func (o *outbox) pushControl(e protocol.Envelope) {
	o.control = append(o.control, e)
	o.waiting += weight(&e)
}

func (o *outbox) pushVolatile(e protocol.Envelope) {
	if len(o.volatileMessages) >= protocol.MaxVolatile {
		_ = o.shift(&o.volatileMessages)
	}
	o.volatileMessages = append(o.volatileMessages, e)
	o.waiting += weight(&e)
}

func (o *outbox) dropVolatile() (dropped int) {
	dropped = len(o.volatileMessages)
	o.clear(&o.volatileMessages)
	return dropped
}

func (o *outbox) pushSequenced(e protocol.Envelope) error {
	size := weight(&e)
	if len(o.unacked) >= o.maxMessages || o.unackedBytes+size > o.maxBytes {
		return protocol.Errorf(protocol.CodeTooSlow, "%d messages of %d bytes are unacknowledged", len(o.unacked), o.unackedBytes)
	}
	o.last++
	e.Seq = o.last
	o.unacked = append(o.unacked, e)
	o.unackedBytes += size
	o.tally(&e, 1)
	return nil
}

// pushState replaces the older of its key. There are as many keys as sequenced messages: a session has few, and room for
// many of those.
func (o *outbox) pushState(e protocol.Envelope) error {
	if o.state == nil {
		o.state = map[string]protocol.Envelope{}
	}
	key := e.StateKey()
	older, queued := o.state[key]
	switch {
	case queued:
		o.waiting -= weight(&older)
	case len(o.stateKeys) >= o.maxMessages:
		return protocol.Errorf(protocol.CodeTooSlow, "%d kinds of state are waiting", len(o.stateKeys))
	default:
		o.stateKeys = append(o.stateKeys, key)
	}
	o.state[key] = e
	o.waiting += weight(&e)
	return nil
}

// pushEvent queues an event. What does not fit is dropped and told by one gap over the whole hole.
func (o *outbox) pushEvent(e protocol.Envelope) {
	if len(o.events) < protocol.MaxEvents && o.gapFrom == 0 {
		o.events = append(o.events, e)
		o.waiting += weight(&e)
		return
	}
	number := eventNumber(&e)
	if o.gapFrom == 0 {
		o.gapFrom = number
	}
	o.gapTo = number
}

// pop returns the next message: control, then what must arrive, then what may be late, then what may be lost.
func (o *outbox) pop() (protocol.Envelope, bool) {
	switch {
	case len(o.control) > 0:
		return o.shift(&o.control), true
	case o.written < len(o.unacked):
		o.written++
		e := o.unacked[o.written-1]
		o.sent = max(o.sent, e.Seq)
		return e, true
	case len(o.stateKeys) > 0:
		key := o.stateKeys[0]
		e := o.state[key]
		delete(o.state, key)
		o.waiting -= weight(&e)
		if o.stateKeys = o.stateKeys[1:]; len(o.stateKeys) == 0 {
			o.stateKeys, o.state = nil, nil
		}
		return e, true
	case len(o.events) > 0:
		return o.shift(&o.events), true
	case o.gapFrom != 0:
		gap := protocol.Must(protocol.TypeGap, "", &protocol.Gap{From: o.gapFrom, To: o.gapTo})
		o.gapFrom, o.gapTo = 0, 0
		return gap, true
	case len(o.volatileMessages) > 0:
		return o.shift(&o.volatileMessages), true
	}
	return protocol.Envelope{}, false
}

func (o *outbox) pending() bool {
	return len(o.control) > 0 || o.written < len(o.unacked) || len(o.stateKeys) > 0 ||
		len(o.events) > 0 || o.gapFrom != 0 || len(o.volatileMessages) > 0
}

// acknowledge forgets what the other end has. That may be more than was written again since a resume: what an earlier
// socket carried can have arrived.
func (o *outbox) acknowledge(seq uint64) error {
	switch {
	case seq <= o.acked:
		return nil
	case seq > o.sent:
		return protocol.Errorf(protocol.CodeSequence, "message %d was acknowledged and never sent", seq)
	}
	n := int(seq - o.acked) //nolint:gosec // at most the number of kept messages
	for i := range n {
		o.unackedBytes -= weight(&o.unacked[i])
		o.tally(&o.unacked[i], -1)
		o.unacked[i] = protocol.Envelope{}
	}
	o.unacked = o.unacked[n:]
	if len(o.unacked) == 0 {
		o.unacked = nil
	}
	o.written = max(o.written-n, 0)
	o.acked = seq
	return nil
}

func (o *outbox) rewind(received uint64) error {
	if received < o.acked || received > o.sent {
		return protocol.Errorf(protocol.CodeSequence, "the other end has %d, this end sent %d to %d", received, o.acked+1, o.sent)
	}
	if err := o.acknowledge(received); err != nil {
		return err
	}
	o.written = 0
	o.clear(&o.control)
	return nil
}

func (o *outbox) unacknowledged() []protocol.Envelope {
	lost := o.unacked
	for i := range lost {
		lost[i].Seq = 0
	}
	return lost
}

// shift takes the first element and gives its memory back when the queue is empty.
func (o *outbox) shift(queue *[]protocol.Envelope) protocol.Envelope {
	e := (*queue)[0]
	o.waiting -= weight(&e)
	(*queue)[0] = protocol.Envelope{}
	if *queue = (*queue)[1:]; len(*queue) == 0 {
		*queue = nil
	}
	return e
}

func (o *outbox) clear(queue *[]protocol.Envelope) {
	for len(*queue) > 0 {
		_ = o.shift(queue)
	}
}

func eventNumber(e *protocol.Envelope) uint64 {
	var event protocol.Event
	if err := json.Unmarshal(e.Data, &event); err != nil {
		return 0
	}
	return event.Event
}
