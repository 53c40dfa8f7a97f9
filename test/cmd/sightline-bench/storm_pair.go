//go:build linux

package main

import (
	"context"
	"fmt"
	"sync"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// stormPerSecond is a little less than what the hub reads of a session's end (docs/protocol.md, section 6).
	stormPerSecond = 0.9 * protocol.CandidatesPerSecond
	// stormWindow is how many messages of an end may be on their way: as many as a sync can tell again are twice that.
	stormWindow = protocol.MaxSyncCandidates / 2
)

// stormPair is a session with its two ends: the viewer and the device.
type stormPair struct {
	id   protocol.SessionID
	ends [2]*stormEnd

	mu     sync.Mutex // guards probes, which are by the sender's place
	probes [2][]stormProbe
}

// stormProbe is how things were when a message was sent.
type stormProbe struct {
	from, to int64 // lives of the links
	behind   bool  // the receiver had yet to be told the state of the session
}

// talk sends numbered messages from one end to the other for as long as there is one to be sent.
func (p *stormPair) talk(ctx context.Context, from int, claim func() bool) {
	limit := rate.NewLimiter(stormPerSecond, 1)
	for limit.Wait(ctx) == nil {
		if p.onTheWay(from) >= stormWindow {
			continue
		}
		if !claim() {
			return
		}
		p.say(from)
	}
}

// onTheWay is how many messages of an end the other one does not know.
func (p *stormPair) onTheWay(from int) int {
	sent, _ := p.look(from)
	_, known := p.look(1 - from)
	return sent - known
}

// look returns how many messages an end has sent, and how many it knows of the other one.
func (p *stormPair) look(end int) (sent, known int) {
	e := p.ends[end]
	e.mu.Lock()
	defer e.mu.Unlock()
	h := e.sessions[p.id]
	if h == nil {
		return 0, 0
	}
	return h.sent, len(h.heard)
}

// say sends the next message.
func (p *stormPair) say(from int) {
	sender, receiver := p.ends[from], p.ends[1-from]
	receiver.mu.Lock()
	theirs := receiver.sessions[p.id]
	probe := stormProbe{to: receiver.lives.Load(), behind: theirs == nil || theirs.repaired != receiver.lives.Load()}
	receiver.mu.Unlock()
	sender.mu.Lock()
	probe.from = sender.lives.Load()
	h := sender.sessions[p.id]
	p.mu.Lock()
	p.probes[from] = append(p.probes[from], probe)
	p.mu.Unlock()
	h.sent++
	m := protocol.Must(protocol.TypeCandidate, p.id, stormCandidate(h.sent))
	sender.mu.Unlock()
	sender.send([]protocol.Envelope{m})
}

// came judges a message that has come to an end, whose mu is held: it must not have come before, nor after a later one,
// and those before it must have come unless a link has started anew since they were sent.
func (p *stormPair) came(e *stormEnd, h *stormHalf, n int) {
	from := 0
	if e == p.ends[0] {
		from = 1
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if n < 1 || n > len(p.probes[from]) {
		h.repeated++ // nobody sent it
		return
	}
	switch {
	case h.heard[n]:
		h.repeated++
	case n < h.last:
		h.reordered++
	}
	for k := h.last + 1; k < n; k++ {
		probe := p.probes[from][k-1]
		if _, told := h.heard[k]; !told && !probe.behind && probe.from == p.ends[from].lives.Load() && probe.to == e.lives.Load() {
			h.lost++
		}
	}
	h.heard[n], h.last = true, max(h.last, n)
}

// settled reports whether both ends know all of each other.
func (p *stormPair) settled() bool {
	return p.onTheWay(0) == 0 && p.onTheWay(1) == 0
}

// ready reports whether the viewer has its answer.
func (p *stormPair) ready() bool {
	v := p.ends[0]
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.sessions[p.id].ready
}

// ended fails when the hub has ended the session, which nobody wanted.
func (p *stormPair) ended() error {
	for _, e := range p.ends {
		e.mu.Lock()
		h := e.sessions[p.id]
		e.mu.Unlock()
		if h != nil && h.closed != "" {
			return fmt.Errorf("a session was ended: %s", h.closed)
		}
	}
	return nil
}

// add adds the pair's figures to a report.
func (p *stormPair) add(r *chaosReport) {
	for i, e := range p.ends {
		sent, _ := p.look(i)
		_, known := p.look(1 - i)
		r.Sent += sent
		r.Delivered += known
		r.Lost += sent - known
		e.mu.Lock()
		if h := e.sessions[p.id]; h != nil {
			r.Lost += h.lost
			r.Repeated += h.repeated
			r.Reordered += h.reordered
		}
		e.mu.Unlock()
	}
}
