package uplink

import (
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxFailures is how many WebSockets in a row may bring no welcome before the long poll is taken.
	maxFailures = 2
	// maxCuts is how many in a row may be lost soon after it.
	maxCuts = 3
)

// policy decides which door the link takes. It does no I/O besides its memory; it is not safe for concurrent use.
type policy struct {
	only   protocol.Transport
	steady time.Duration
	waits  []time.Duration
	memory Memory

	network string
	use     protocol.Transport
	// why is what the last WebSocket of this network failed of; nil when none has. recalled says that it is from memory.
	why      *protocol.Fallback
	recalled bool
	// failures and cuts count WebSockets in a row.
	failures, cuts int
	// unsure says that what failed may have failed of the network as a whole, because the long poll failed as well or the
	// network has changed: a WebSocket is tried again as soon as the long poll works.
	unsure bool
	// probes counts the background tries that were scheduled; probeAt is when the next one is due, zero for never.
	probes  int
	probeAt time.Time
}

func newPolicy(c *Config) *policy {
	p := &policy{only: c.Door, steady: c.SteadyAfter, waits: c.Probes, memory: c.Memory, use: protocol.TransportWebSocket}
	if c.Door != "" {
		p.use = c.Door
	}
	return p
}

// report is what a hello through a door says of the others.
func (p *policy) report(transport protocol.Transport) *protocol.Fallback {
	if transport != protocol.TransportLongPoll || p.only != "" || p.why == nil {
		return nil
	}
	why := *p.why
	return &why
}

// moved is told of each change of network, and of the first one.
func (p *policy) moved(network string, now time.Time) {
	if p.only != "" {
		return
	}
	if network == p.network {
		if !p.probeAt.IsZero() {
			p.probeAt = now
		}
		return
	}
	p.unsure = p.network != ""
	p.network, p.failures, p.cuts, p.probes, p.probeAt = network, 0, 0, 0, time.Time{}
	p.use, p.why, p.recalled = protocol.TransportWebSocket, nil, false
	if network == "" {
		return
	}
	if why, ok := p.memory.Recall(network); ok {
		p.use, p.why, p.recalled, p.unsure = protocol.TransportLongPoll, &why, true, false
	}
}

// failed is told of every door that did not open, but of probes.
func (p *policy) failed(transport protocol.Transport, err error) {
	why := blame(err)
	switch {
	case p.only != "" || why == nil:
	case transport == protocol.TransportLongPoll:
		p.use, p.failures, p.unsure = protocol.TransportWebSocket, maxFailures-1, true
	default:
		p.why, p.recalled = why, false
		if p.failures++; p.failures >= maxFailures {
			p.use = protocol.TransportLongPoll
		}
	}
}

// probed is told of every probe that did not open.
func (p *policy) probed(err error, now time.Time) {
	if why := blame(err); why != nil {
		p.why, p.recalled = why, false
		p.remember()
	}
	p.schedule(now)
}

// blame is what an error says against its door; nil when it says nothing.
func blame(err error) *protocol.Fallback {
	var failure *door.Failure
	if !errors.As(err, &failure) || failure.Reason == "" {
		return nil
	}
	return &protocol.Fallback{Reason: failure.Reason, Detail: failure.Detail}
}

// opened is told of every door that brought a welcome.
func (p *policy) opened(transport protocol.Transport, now time.Time) {
	if p.only != "" {
		return
	}
	p.use, p.failures = transport, 0
	unsure := p.unsure
	p.unsure = false
	switch {
	case transport == protocol.TransportWebSocket:
		p.probeAt = time.Time{}
		if p.why != nil && p.why.Reason != protocol.FallbackCut {
			p.forget()
		}
	case unsure || p.why != nil && p.why.Reason == protocol.FallbackUnreachable && p.probeAt.IsZero():
		p.probeAt = now // the hub may just have come back
	case p.why == nil || !p.probeAt.IsZero(): // it was asked for, or is the same as before
	default:
		if !p.recalled {
			p.remember()
		}
		p.schedule(now)
	}
}

// lost is told of every door that was lost after its welcome, and how long it lived.
func (p *policy) lost(transport protocol.Transport, lived time.Duration, err error) {
	var said *door.Closed
	if p.only != "" || transport != protocol.TransportWebSocket {
		return
	}
	if lived >= p.steady {
		p.cuts, p.probes = 0, 0
		p.forget()
		return
	}
	if errors.As(err, &said) && said.Code >= protocol.CloseGoingAway {
		return // the hub meant it
	}
	if p.cuts++; p.cuts >= maxCuts {
		detail := "lost after " + lived.Round(100*time.Millisecond).String()
		p.use, p.why = protocol.TransportLongPoll, &protocol.Fallback{Reason: protocol.FallbackCut, Detail: detail}
	}
}

// schedule sets the next background try.
func (p *policy) schedule(now time.Time) {
	p.probeAt = now.Add(p.waits[min(p.probes, len(p.waits)-1)])
	p.probes++
}

func (p *policy) remember() {
	if p.network != "" {
		p.memory.Keep(p.network, *p.why)
	}
}

func (p *policy) forget() {
	if p.why = nil; p.network != "" {
		p.memory.Forget(p.network)
	}
}
