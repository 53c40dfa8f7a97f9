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

// maxQuestions bounds those that wait for an answer at once: more than the upkeep and the prober have together.
const maxQuestions = 64

// sendings are when a question is sent, after its beginning; answerWait is how long an answer is waited for after that.
// RFC 8489 section 6.2.1 begins with 500 ms and doubles; a camera that is being called has less time, and five sendings
// get through a network that loses 30 % each way 29 times in 30.
var sendings = []time.Duration{0, 250 * time.Millisecond, 750 * time.Millisecond, 1250 * time.Millisecond, 2 * time.Second}

const answerWait = time.Second

var (
	errNoAnswer = errors.New("no answer")
	errTooMany  = errors.New("too many questions at once")
)

type transaction = [stun.TransactionIDSize]byte

// question is a STUN request of the port's own that waits for its answer.
type question struct {
	// answered has room for the first answer.
	answered chan answer
	// echo says that the request itself counts as the answer when it comes back: the NAT has turned it around.
	echo bool
}

// questions are those that wait.
type questions struct {
	mu   sync.Mutex // guards open
	open map[transaction]*question
}

// take reports whether a packet belongs to a question of the port's own, and if so, hands it there.
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
	a := answer{from: from}
	switch {
	case kind == bindingRequest && !asked.echo:
		return true // a NAT has turned it around, which was not asked for
	case kind != bindingRequest:
		var err error
		if a, err = decode(packet); err != nil {
			return true
		}
		a.from = from
	}
	select {
	case asked.answered <- a:
	default: // a later answer tells nothing new
	}
	return true
}

// The message types of RFC 8489 section 18.2 that the port looks at.
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

// ask sends a Binding request from the media port, again and again until an answer comes or none can be expected. The
// answer may come from anywhere: only whoever got the request knows its transaction.
func (p *Port) ask(ctx context.Context, to netip.AddrPort, echo bool, with ...stun.Setter) (answer, error) {
	request, err := stun.Build(append([]stun.Setter{stun.TransactionID, stun.BindingRequest}, append(with, stun.Fingerprint)...)...)
	if err != nil {
		return answer{}, fmt.Errorf("ask %s: %w", to, err)
	}
	asked := &question{answered: make(chan answer, 1), echo: echo}
	if !p.conn.questions.add(request.TransactionID, asked) {
		return answer{}, fmt.Errorf("ask %s: %w", to, errTooMany)
	}
	defer p.conn.questions.remove(request.TransactionID)
	begun := time.Now()
	for n := range len(sendings) + 1 {
		pause := answerWait
		if n < len(sendings) {
			pause = time.Until(begun.Add(sendings[n]))
		}
		select {
		case a := <-asked.answered:
			return a, nil
		case <-ctx.Done():
			return answer{}, fmt.Errorf("ask %s: %w", to, ctx.Err())
		case <-time.After(pause):
		}
		if n == len(sendings) {
			break
		}
		if _, err := p.conn.WriteToAddrPort(request.Raw, to); err != nil {
			return answer{}, fmt.Errorf("ask %s: %w", to, err)
		}
	}
	return answer{}, fmt.Errorf("ask %s: %w", to, errNoAnswer)
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
