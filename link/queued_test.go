package link

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// weigh adds up what an outbox holds, one message after the other.
func weigh(o *outbox) (sum int) {
	for _, queue := range [][]protocol.Envelope{o.control, o.unacked, o.events, o.volatileMessages} {
		for i := range queue {
			sum += weight(&queue[i])
		}
	}
	for _, e := range o.state {
		sum += weight(&e)
	}
	return sum
}

func TestWhatIsQueuedIsCountedAsItComesAndGoes(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // the same each time
	now := time.Now()
	l := New(Config{}, now)
	types := []protocol.Type{protocol.TypePing, protocol.TypeDescribe, protocol.TypePolicy, protocol.TypeEvent, protocol.TypeStats}
	for step := range 20_000 {
		switch random.IntN(10) {
		case 0, 1, 2, 3, 4:
			e := protocol.Envelope{
				Type: types[random.IntN(len(types))], Data: json.RawMessage(fmt.Sprintf(`{"event":%d,"x":"%0*d"}`, step, random.IntN(99)+1, 0)),
				Session: protocol.SessionID(fmt.Sprint(random.IntN(20))),
			}
			if l.Send(e) != nil {
				l.Reset(now)
			}
		case 5, 6, 7:
			l.Next(now)
		case 8:
			received := l.out.acked + random.Uint64N(l.out.sent-l.out.acked+1)
			if _, err := l.Receive(&protocol.Envelope{Type: protocol.TypeAck, Ack: received}, now); err != nil {
				t.Fatal(err)
			}
		default:
			switch random.IntN(20) {
			case 0:
				if err := l.Attach(l.out.sent, now); err != nil {
					t.Fatal(err)
				}
				l.Greet(protocol.Envelope{Type: protocol.TypeWelcome}, protocol.Envelope{Type: protocol.TypeSnapshot})
			case 1:
				l.DropVolatile()
			}
		}
		if got, want := l.Queued(), weigh(&l.out); got != want {
			t.Fatalf("step %d: got %d bytes, want %d", step, got, want)
		}
	}
}

func TestKeysOfStateAreBounded(t *testing.T) {
	l := New(Config{}, time.Now())
	var err error
	n := 0
	for ; err == nil && n < 10_000; n++ {
		err = l.Send(protocol.Envelope{Type: protocol.TypePolicy, Session: protocol.SessionID(fmt.Sprint(n))})
	}
	if n != protocol.MaxUnacked+1 || protocol.AsError(err).Code != protocol.CodeTooSlow {
		t.Errorf("got %v for key number %d, want too_slow for number %d", err, n, protocol.MaxUnacked+1)
	}
	l.Grow(1)
	if err := l.Send(protocol.Envelope{Type: protocol.TypePolicy, Session: "another"}); err != nil {
		t.Errorf("with room for one session more: %v", err)
	}
}
