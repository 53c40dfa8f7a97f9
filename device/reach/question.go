package reach

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/pion/stun/v4"
)

// maxQuestions bounds those of one socket that wait for an answer at once: more than the upkeep and the prober have
// together.
const maxQuestions = 32

// When a question is sent, after its beginning. RFC 8489 section
// 6.2.1 begins with 500 ms and doubles; a camera that is being called has less time, and the five sendings of promptly get
// through a network that loses 30 % each way 29 times in 30. The twelve of patiently do so 4,999 times in 5,000: where no
// answer is an answer too, it must not be one that was lost.
var (
	promptly  = schedule(0, 200, 500, 900, 1400)
	patiently = schedule(0, 250, 500, 800, 1100, 1400, 1700, 2000, 2400, 2800, 3200, 3600)
	atOnce    = schedule(0, 50)
)

// answerWait is longer than a satellite's round trip.
const answerWait = 700 * time.Millisecond

var (
	errNoAnswer = errors.New("no answer")
	errTooMany  = errors.New("too many questions at once")
)

func schedule(ms ...time.Duration) []time.Duration {
	for i := range ms {
		ms[i] *= time.Millisecond
	}
	return ms
}

type transaction = [stun.TransactionIDSize]byte

// question is a Binding request (RFC 8489) that waits for its answer.
type question struct {
	// to is the server.
	to netip.AddrPort
	// change has the flags of a CHANGE-REQUEST (RFC 5780 section 7.2), 0 for none.
	change byte
	// port is where on the asker's address outside the answer shall go (RFC 5780 section 7.5), 0 for where it came from.
	port uint16
	// times are when it is sent; nil means promptly.
	times []time.Duration
	// send sends it, if not the socket that waits for the answer. The request itself is an answer then too, if it arrives.
	send func(request []byte) error
	// answered has room for the first answer.
	answered chan answer
}

// The flags of a CHANGE-REQUEST.
const (
	changeAddress = 0x04
	changePort    = 0x02
)

// questions are those of one socket that wait.
type questions struct {
	mu   sync.Mutex // guards open
	open map[transaction]*question
}

// take reports whether a packet belongs to one of the questions, and if so, hands it there.
func (q *questions) take(packet []byte, from netip.AddrPort) bool {
	kind, id, ok := messageOf(packet)
	if !ok {
		return false
	}
	q.mu.Lock()
	asked := q.open[id]
	q.mu.Unlock()
	if asked == nil {
		return false
	}
	var a answer
	if kind != bindingRequest {
		said, err := decode(packet)
		if err != nil {
			return true
		}
		var likely bool
		if a, likely = said.believe(asked.to.Addr()); !likely {
			return true
		}
	} else if asked.send == nil {
		return true // a NAT has turned it around, which nobody asked for
	}
	a.from = from
	select {
	case asked.answered <- a:
	default: // a later answer tells nothing new
	}
	return true
}

// The message types of RFC 8489 section 18.2 that matter here.
const (
	bindingRequest = 0x0001
	bindingSuccess = 0x0101
	bindingError   = 0x0111
)

// messageOf returns the type and the transaction of a packet that looks like a Binding message (RFC 8489 section 5).
func messageOf(packet []byte) (kind uint16, id transaction, ok bool) {
	const header, cookie = 20, 0x2112a442
	if len(packet) < header || binary.BigEndian.Uint32(packet[4:]) != cookie {
		return 0, id, false
	}
	kind = binary.BigEndian.Uint16(packet)
	copy(id[:], packet[8:])
	return kind, id, kind == bindingRequest || kind == bindingSuccess || kind == bindingError
}

// ask sends a question, again and again until an answer comes or none can be expected. The answer may come from anywhere:
// only whoever got the question knows its transaction. It fails with errNoAnswer, or because the context ended.
func (c *conn) ask(ctx context.Context, q question) (answer, error) {
	request, err := q.request()
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", q.to, err)
	}
	q.answered = make(chan answer, 1)
	if !c.questions.add(request.TransactionID, &q) {
		return answer{}, fmt.Errorf("ask %s: %w", q.to, errTooMany)
	}
	defer c.questions.remove(request.TransactionID)
	send := q.send
	if send == nil {
		send = func(b []byte) error {
			_, err := c.WriteToAddrPort(b, q.to)
			return err
		}
	}
	a, err := q.wait(ctx, func() error { return send(request.Raw) })
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", q.to, err)
	}
	return a, nil
}

func (q *question) request() (*stun.Message, error) {
	setters := []stun.Setter{stun.TransactionID, stun.BindingRequest}
	if q.change != 0 {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrChangeRequest, Value: []byte{0, 0, 0, q.change}})
	}
	if q.port != 0 {
		setters = append(setters, stun.RawAttribute{Type: stun.AttrResponsePort, Value: append(binary.BigEndian.AppendUint16(nil, q.port), 0, 0)})
	}
	return stun.Build(append(setters, stun.Fingerprint)...)
}

// wait sends at the times of the question until it is answered.
func (q *question) wait(ctx context.Context, send func() error) (answer, error) {
	times := q.times
	if times == nil {
		times = promptly
	}
	begun := time.Now()
	for n := 0; ; n++ {
		if n < len(times) {
			if err := send(); err != nil {
				return answer{}, err
			}
		}
		pause := answerWait
		switch {
		case n+1 < len(times):
			pause = time.Until(begun.Add(times[n+1]))
		case n == len(times):
			return answer{}, errNoAnswer
		}
		select {
		case a := <-q.answered:
			return a, nil
		case <-ctx.Done():
			return answer{}, ctx.Err()
		case <-time.After(pause):
		}
	}
}

func (q *questions) add(id transaction, asked *question) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.open) >= maxQuestions {
		return false
	}
	q.open[id] = asked
	return true
}

func (q *questions) remove(id transaction) {
	q.mu.Lock()
	defer q.mu.Unlock()
	delete(q.open, id)
}
