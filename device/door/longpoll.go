package door

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// longPoll is the door of requests: docs/protocol.md, "Long poll".
type longPoll struct {
	dialer        *Dialer
	authorization string
	received      func() uint64
	// got is the number of the last response that came whole, waiting what is left of its messages. They are the reader's.
	got     uint64
	waiting []json.RawMessage

	// sending is held by a send: the hub takes one at a time.
	sending sync.Mutex
}

func (d *Dialer) openLongPoll(ctx context.Context, hello []byte, received func() uint64) (Door, *protocol.Welcome, error) {
	ctx, cancel := context.WithTimeout(ctx, d.config.DialTimeout)
	defer cancel()
	answer, err := d.ask(ctx, question{path: protocol.SendPath, body: parcel(hello), timeout: d.config.DialTimeout})
	if err != nil {
		return nil, nil, err
	}
	delivery, err := protocol.DecodeDelivery(answer.body)
	if err != nil || len(delivery.Messages) == 0 {
		return nil, nil, silent("the answer to the hello makes no sense", err)
	}
	welcome, err := readWelcome(delivery.Messages[0])
	if err != nil {
		return nil, nil, err
	}
	return &longPoll{
		dialer: d, authorization: protocol.Authorization(welcome.Link, welcome.Key), received: received,
		got: delivery.Response, waiting: delivery.Messages[1:],
	}, welcome, nil
}

// parcel is the body of a send.
func parcel(messages ...[]byte) []byte {
	var b []byte
	b = append(b, `{"messages":[`...)
	for i, message := range messages {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, message...)
	}
	return append(b, `]}`...)
}

// Transport implements Door.
func (p *longPoll) Transport() protocol.Transport { return protocol.TransportLongPoll }

// Read implements Door. Each response that brings nothing is told, because it is a sign of life.
func (p *longPoll) Read(ctx context.Context) ([]byte, error) {
	if len(p.waiting) == 0 {
		if err := p.poll(ctx); err != nil {
			return nil, err
		}
	}
	if len(p.waiting) == 0 {
		return nil, nil
	}
	message := p.waiting[0]
	p.waiting = p.waiting[1:]
	return message, nil
}

// poll asks for the next response, which confirms the last one.
func (p *longPoll) poll(ctx context.Context) error {
	body, err := json.Marshal(protocol.Poll{Received: p.received(), Got: p.got})
	if err != nil {
		return fmt.Errorf("encode poll: %w", err)
	}
	answer, err := p.await(ctx, question{
		path: protocol.PollPath, authorization: p.authorization, body: body, timeout: p.dialer.config.PollTimeout,
	})
	if err != nil {
		return err
	}
	delivery, err := protocol.DecodeDelivery(answer.body)
	if err != nil {
		return &Failure{Reason: protocol.FallbackStatus, Words: "the answer to a poll makes no sense", Err: err}
	}
	if delivery.Response != p.got+1 {
		return &Failure{Words: fmt.Sprintf("response %d to a poll came after %d", delivery.Response, p.got)}
	}
	p.got, p.waiting = delivery.Response, delivery.Messages
	return nil
}

// await polls until there is an answer. Something in between may let no request wait for as long as the hub does: the
// ping that follows a poll that was cut finds out whether the hub is there, and its pong answers the next poll.
func (p *longPoll) await(ctx context.Context, q question) (*answer, error) {
	retry := p.dialer.config.Retry
	for failures := 0; ; failures++ {
		began := time.Now()
		a, err := p.dialer.ask(ctx, q)
		if !passing(err) {
			return a, err
		}
		if time.Since(began) > p.dialer.config.CutAfter {
			failures = 0
			if _, err := p.Write(ctx, []byte(ping)); err != nil {
				return nil, err
			}
		}
		if failures == p.dialer.config.Retries {
			return nil, err
		}
		if err := pause(ctx, retry<<failures); err != nil {
			return nil, err
		}
	}
}

const ping = `{"type":"ping"}`

// Write implements Door. What got no answer is sent again as it was: the hub knows by their numbers what it has of it.
func (p *longPoll) Write(ctx context.Context, messages ...[]byte) (uint64, error) {
	p.sending.Lock()
	defer p.sending.Unlock()
	answer, err := p.dialer.insist(ctx, question{
		path: protocol.SendPath, authorization: p.authorization, body: parcel(messages...), timeout: p.dialer.config.DialTimeout,
	})
	if err != nil {
		return 0, err
	}
	var receipt protocol.Receipt
	if err := json.Unmarshal(answer.body, &receipt); err != nil {
		return 0, &Failure{Reason: protocol.FallbackStatus, Words: "the answer to a send makes no sense", Err: err}
	}
	return receipt.Received, nil
}

// Close implements Door: requests end with their contexts, and nothing is left between them.
func (p *longPoll) Close() error { return nil }

// insist asks until there is an answer of the hub's.
func (d *Dialer) insist(ctx context.Context, q question) (*answer, error) {
	for failures := 0; ; failures++ {
		a, err := d.ask(ctx, q)
		if !passing(err) || failures == d.config.Retries {
			return a, err
		}
		if err := pause(ctx, d.config.Retry<<failures); err != nil {
			return nil, err
		}
	}
}

// passing reports whether the same request may be made again.
func passing(err error) bool {
	var failure *Failure
	return errors.As(err, &failure) && failure.passing
}

// pause waits, and fails only when the context ends.
func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// isHTML reports whether a response is a page.
func isHTML(response *http.Response) bool {
	return strings.HasPrefix(strings.ToLower(strings.TrimSpace(response.Header.Get("Content-Type"))), "text/html")
}
