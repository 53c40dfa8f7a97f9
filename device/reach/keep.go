package reach

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxMisses is how many rounds in a row a server may leave without an answer before what it said is forgotten.
const maxMisses = 3

// server is one address of a STUN server.
type server struct {
	url     string
	address netip.AddrPort
	// mapped and other are what it said last; zero if it said nothing, or not for maxMisses.
	mapped, other netip.AddrPort
	misses        int
}

// keep asks the servers, round after round, until the context ends.
func (p *Port) keep(ctx context.Context) {
	looked := -1 // the epoch whose servers have been looked up, all of which have answered
	for ctx.Err() == nil {
		looked = p.round(ctx, looked)
		timer := time.NewTimer(p.cfg.Every + rand.N(p.cfg.Every/4)) //nolint:gosec // a jitter
		select {
		case <-ctx.Done():
		case <-p.kick:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// round asks every server once, and looks them up first unless that was done in this epoch. It returns the epoch, or -1
// when one of them did not answer: its name may have moved.
func (p *Port) round(ctx context.Context, looked int) int {
	select {
	case <-p.kick: // what is new is seen now
	default:
	}
	p.mu.Lock()
	urls, epoch := p.wanted, p.epoch
	p.mu.Unlock()
	if looked != epoch {
		servers, unfound := p.resolve(ctx, urls)
		p.replace(servers, unfound)
	}
	p.mu.Lock()
	servers := slices.Clone(p.servers)
	p.mu.Unlock()
	if looked != epoch {
		silence := time.AfterFunc(silenceTime, func() { p.presume(epoch) })
		defer silence.Stop()
	}
	each(servers, func(s server) {
		a, err := p.conn.ask(ctx, question{to: s.address})
		if ctx.Err() == nil {
			p.note(s.address, a, err)
			signal(p.asked)
		}
	})
	p.mu.Lock()
	defer p.mu.Unlock()
	if epoch == p.epoch && ctx.Err() == nil {
		closeOnce(p.settled)
		signal(p.asked)
	}
	if len(p.servers) == 0 || slices.ContainsFunc(p.servers, func(s server) bool { return s.misses > 0 }) {
		return -1
	}
	return epoch
}

// silenceTime is how long nothing may come from any server before UDP is taken for blocked: three sendings. What is
// presumed is taken back when an answer comes; until then relays are taken too early, which is no harm.
const silenceTime = 750 * time.Millisecond

// presume takes UDP for blocked if no server has answered yet.
func (p *Port) presume(epoch int) {
	p.mu.Lock()
	e := p.evidence()
	answered := slices.ContainsFunc(p.servers, func(s server) bool { return s.mapped.IsValid() })
	none := len(p.servers) == 0
	p.mu.Unlock()
	if e.epoch == epoch && !answered && !none {
		p.judge(e, protocol.Network{UDPBlocked: true}, false)
	}
}

// each does something with every server at once, and waits.
func each(servers []server, what func(server)) {
	var work sync.WaitGroup
	for _, s := range servers {
		work.Go(func() { what(s) })
	}
	work.Wait()
}

// replace puts other servers in place and keeps what is known of those that stay.
func (p *Port) replace(servers []server, unfound []error) {
	p.change(func() {
		for i, s := range servers {
			if n := slices.IndexFunc(p.servers, func(known server) bool { return known.address == s.address }); n >= 0 {
				servers[i] = p.servers[n]
				servers[i].url = s.url
			}
		}
		p.servers, p.unfound = servers, unfound
	})
}

// note takes a server's answer, or that there was none.
func (p *Port) note(from netip.AddrPort, a answer, err error) {
	if err != nil {
		p.log.Debug("stun server did not answer", "err", err)
	}
	p.change(func() {
		n := slices.IndexFunc(p.servers, func(s server) bool { return s.address == from })
		switch {
		case n < 0:
		case err == nil && !a.refused:
			p.servers[n] = server{url: p.servers[n].url, address: from, mapped: a.mapped}
			if alike(from, a.other) {
				p.servers[n].other = a.other
			}
		default:
			if p.servers[n].misses++; p.servers[n].misses >= maxMisses {
				p.servers[n] = server{url: p.servers[n].url, address: from, misses: maxMisses}
			}
		}
	})
}

// alike reports whether an address is as public as the server that names it: nobody outside sends packets to a LAN.
func alike(server, other netip.AddrPort) bool {
	inside := func(a netip.Addr) bool {
		return a.IsPrivate() || a.IsLoopback() || a.IsLinkLocalUnicast() || carrierSpace.Contains(a)
	}
	return other.IsValid() && inside(server.Addr()) == inside(other.Addr())
}

// Settle returns when the servers of now have been asked once, whether they answered or not, or when the context ends.
func (p *Port) Settle(ctx context.Context) {
	p.mu.Lock()
	settled, none := p.settled, len(p.wanted) == 0
	p.mu.Unlock()
	if none {
		return
	}
	select {
	case <-settled:
	case <-ctx.Done():
	}
}

// poke has the servers asked now.
func (p *Port) poke() { signal(p.kick) }

func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

func closeOnce(c chan struct{}) {
	select {
	case <-c:
	default:
		close(c)
	}
}
