package link

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestASessionOverItsShareLeavesTheLinkToTheOthers(t *testing.T) {
	now := time.Now()
	l := New(Config{}, now)
	say := func(id protocol.SessionID) protocol.Envelope {
		return protocol.Envelope{Type: protocol.TypeDescribe, Session: id}
	}
	l.Share("early") // before the flood
	for round := range 20 {
		id := protocol.SessionID(rune('a' + round))
		l.Share(id)
		for n := range shareMessages {
			if err := l.SendShared(say(id)); err != nil {
				t.Fatalf("message %d of its share: %v", n, err)
			}
		}
		if err := l.SendShared(say(id)); protocol.AsError(err).Code != protocol.CodeQuota {
			t.Fatalf("over the share: got %v", err)
		}
		if err := l.Send(protocol.Envelope{Type: protocol.TypeClosed, Session: id}); err != nil {
			t.Fatalf("the hub's own word: %v", err)
		}
		l.Unshare(id) // its room stays until the other end has it all
		if err := l.SendShared(say("early")); err != nil {
			t.Fatalf("another session: %v", err)
		}
	}
	for {
		if _, ok := l.Next(now); !ok {
			break
		}
	}
	if _, err := l.Receive(&protocol.Envelope{Type: protocol.TypeAck, Ack: l.out.last}, now); err != nil {
		t.Fatal(err)
	}
	l.Unshare("early")
	if len(l.out.shares) != 0 || l.out.maxMessages != protocol.MaxUnacked || l.out.maxBytes != protocol.MaxUnackedBytes {
		t.Errorf("at the end: %d shares, room for %d messages of %d bytes", len(l.out.shares), l.out.maxMessages, l.out.maxBytes)
	}
}

func TestAShareIsAlsoOfBytes(t *testing.T) {
	l := New(Config{}, time.Now())
	l.Share("a")
	large := protocol.Envelope{Type: protocol.TypeDescribe, Session: "a", Data: make([]byte, protocol.MaxMessageBytes-envelopeOverhead)}
	var err error
	sent := 0
	for ; err == nil; sent++ {
		err = l.SendShared(large)
	}
	if protocol.AsError(err).Code != protocol.CodeQuota || sent-1 != shareBytes/protocol.MaxMessageBytes {
		t.Errorf("got %v after %d messages", err, sent-1)
	}
}
