package link

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Config has the timing of a link and its bounds. The zero value is that of the protocol.
type Config struct {
	// Ping is how long this end may be quiet before it pings, and how often the other end must be heard; Grace is
	// what the other end is allowed over that. 0 means protocol.PingInterval and protocol.PingGrace.
	Ping, Grace time.Duration
	// AckDelay is how late a lone acknowledgement may be; 0 means protocol.AckDelay.
	AckDelay time.Duration
	// MaxUnacked and MaxUnackedBytes bound what is kept for replay; 0 means the protocol's limits.
	MaxUnacked, MaxUnackedBytes int
}

func (c Config) withDefaults() Config {
	if c.Ping == 0 {
		c.Ping = protocol.PingInterval
	}
	if c.Grace == 0 {
		c.Grace = protocol.PingGrace
	}
	if c.AckDelay == 0 {
		c.AckDelay = protocol.AckDelay
	}
	if c.MaxUnacked == 0 {
		c.MaxUnacked = protocol.MaxUnacked
	}
	if c.MaxUnackedBytes == 0 {
		c.MaxUnackedBytes = protocol.MaxUnackedBytes
	}
	return c
}

// Link is one end of a link. It does no I/O and starts nothing; it is not safe for concurrent use.
type Link struct {
	config Config
	out    outbox
	in     inbox

	lastSent, lastHeard time.Time
}

// New returns a link with both sequences at their start.
func New(config Config, now time.Time) *Link {
	l := &Link{config: config.withDefaults()}
	l.Reset(now)
	return l
}

// Reset starts the link anew, as after resumed:false. It returns the sequenced messages that the other end never
// acknowledged, oldest first, without their numbers: the caller decides which of them are still worth sending.
func (l *Link) Reset(now time.Time) []protocol.Envelope {
	lost := l.out.unacknowledged()
	l.out = outbox{maxMessages: l.config.MaxUnacked, maxBytes: l.config.MaxUnackedBytes}
	l.in = inbox{}
	l.lastSent, l.lastHeard = now, now
	return lost
}

// Attach puts the link on a new socket, as after resumed:true: received is what the other end says it has. All
// later sequenced messages are written again; what belonged to the old socket is dropped. It fails with
// CodeSequence when received was never sent, or is no longer kept.
func (l *Link) Attach(received uint64, now time.Time) error {
	if err := l.out.rewind(received); err != nil {
		return err
	}
	l.in.owed, l.in.since = 0, time.Time{}
	l.lastSent, l.lastHeard = now, now
	return nil
}

// Send queues an envelope by its class and numbers it if it is sequenced. It fails with CodeTooLarge for one
// message, which leaves the link as it was, and with CodeTooSlow when the other end leaves too much
// unacknowledged: the link is then lost and cannot be resumed.
func (l *Link) Send(e protocol.Envelope) error { return l.out.push(e) }

// Greet queues what opens a socket, whatever its class, ahead of all that waits: a welcome and the snapshot with it.
func (l *Link) Greet(messages ...protocol.Envelope) {
	for i := range messages {
		l.out.pushControl(messages[i])
	}
}

// Queued is how many bytes the link keeps: of messages that wait to be written and of those that may have to be written
// again. It is a figure to add up, kept as messages come and go, with something for each message besides its body.
func (l *Link) Queued() int { return l.out.queued() }

// DropVolatile lets go of the volatile messages that wait, and returns how many those were.
func (l *Link) DropVolatile() int { return l.out.dropVolatile() }

// Grow raises what may be unacknowledged by a number of messages (negative lowers it), each of up to 1 KiB on average.
func (l *Link) Grow(messages int) {
	l.out.maxMessages += messages
	l.out.maxBytes += messages << 10
}

// Next returns the next message to write, with the acknowledgement it carries, or false when nothing waits.
func (l *Link) Next(now time.Time) ([]byte, bool) {
	e, ok := l.out.pop()
	if !ok {
		return nil, false
	}
	e.Ack = l.in.took
	b, err := e.Encode()
	if err != nil {
		panic(err) // push has bounded the size, and an envelope has nothing that JSON cannot hold
	}
	l.in.owed, l.in.since = 0, time.Time{}
	l.lastSent = now
	return b, true
}

// Pending reports whether Next has something to return.
func (l *Link) Pending() bool { return l.out.pending() }

// Receive looks at an envelope that was read: it takes in its acknowledgement and answers a ping. It reports
// whether the caller must handle the message; one that was there before is not handled again. After handling,
// the caller says so with Took. It fails with CodeSequence when a sequenced message is missing or an
// acknowledgement is of something never sent.
func (l *Link) Receive(e *protocol.Envelope, now time.Time) (handle bool, err error) {
	l.lastHeard = now
	if err := l.out.acknowledge(e.Ack); err != nil {
		return false, err
	}
	switch e.Type {
	case protocol.TypePing:
		return false, l.out.push(protocol.Envelope{Type: protocol.TypePong})
	case protocol.TypePong, protocol.TypeAck:
		return false, nil
	}
	return l.in.check(e)
}

// Told says that the other end was told something by other means than a message, as by a response without any, and that
// with it went what Received returned. It counts as a message sent.
func (l *Link) Told(now time.Time) {
	l.in.owed, l.in.since = 0, time.Time{}
	l.lastSent = now
}

// Heard says the same of the other direction: the other end has shown life and that it has received.
// It fails with CodeSequence when that was never sent.
func (l *Link) Heard(received uint64, now time.Time) error {
	l.lastHeard = now
	return l.out.acknowledge(received)
}

// Took says that the sequenced messages up to and including seq are in the caller's state or in its next queue,
// so that they may be acknowledged. 0 is ignored.
func (l *Link) Took(seq uint64, now time.Time) {
	if l.in.take(seq, now); l.in.owed >= protocol.AckEvery {
		l.acknowledgeNow()
	}
}

// Received is the highest sequence number taken over, for a hello that resumes.
func (l *Link) Received() uint64 { return l.in.took }

// Acknowledged is the highest sequence number that the other end has said to have. It never falls: who says less in
// order to resume said so before that.
func (l *Link) Acknowledged() uint64 { return l.out.acked }

// SetPing changes the ping interval, for both directions.
func (l *Link) SetPing(interval time.Duration) { l.config.Ping = interval }

// Due is when Tick has to be called next.
func (l *Link) Due() time.Time {
	due := l.lastSent.Add(l.config.Ping)
	if dead := l.lastHeard.Add(l.config.Ping + l.config.Grace); dead.Before(due) {
		due = dead
	}
	if l.in.owed > 0 {
		if ack := l.in.since.Add(l.config.AckDelay); ack.Before(due) {
			due = ack
		}
	}
	return due
}

// Tick queues the ping or acknowledgement that is due. It fails with CodeTimeout when the other end was silent
// for the ping interval and its grace.
func (l *Link) Tick(now time.Time) error {
	if !now.Before(l.lastHeard.Add(l.config.Ping + l.config.Grace)) {
		return protocol.Errorf(protocol.CodeTimeout, "nothing was heard for %s", now.Sub(l.lastHeard).Round(time.Millisecond))
	}
	if l.in.owed > 0 && !now.Before(l.in.since.Add(l.config.AckDelay)) {
		l.acknowledgeNow()
	}
	if !now.Before(l.lastSent.Add(l.config.Ping)) {
		l.lastSent = now
		return l.out.push(protocol.Envelope{Type: protocol.TypePing})
	}
	return nil
}

// acknowledgeNow queues a lone acknowledgement; Next fills in the number.
func (l *Link) acknowledgeNow() {
	l.in.owed, l.in.since = 0, time.Time{}
	l.out.pushControl(protocol.Envelope{Type: protocol.TypeAck})
}
