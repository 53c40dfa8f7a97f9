package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// run is the peer's own goroutine, from Open to the end.
func (p *Peer) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	reports := time.NewTicker(p.host.cfg.ReportInterval)
	defer reports.Stop()
	looks := time.NewTicker(adaptEvery)
	defer looks.Stop()
	p.last = counters{at: time.Now()}
	unsubscribe := p.port.Subscribe(p.portChanged)
	defer unsubscribe()
	forget := p.watchFormats()
	defer forget()
	p.surround()
	for {
		p.follow()
		p.reconsider()
		p.adapt(time.Now())
		p.check()
		p.speak()
		timer.Reset(min(p.deadline(), p.nextCheck()))
		select {
		case <-p.closing:
			p.finish()
			return
		case <-p.wake:
		case <-timer.C:
		case <-reports.C:
			p.report(p.counters(), false)
		case <-looks.C:
		}
	}
}

// speak tells Events what has gathered, in order.
func (p *Peer) speak() {
	p.mu.Lock()
	outbox := p.outbox
	p.outbox = nil
	p.mu.Unlock()
	for _, what := range outbox {
		what(p.opt.Events)
	}
}

// deadline does what the lifecycle says is due, and returns how long to wait for the next.
func (p *Peer) deadline() time.Duration {
	unheard := p.port.Unheard()
	p.mu.Lock()
	p.life.unheard = unheard
	s := p.life.next()
	p.mu.Unlock()
	if s.action == wait {
		return time.Hour
	}
	// A minute at most, so that a clock that is set does not leave a lease unwatched.
	if left := time.Until(s.at); left > 0 {
		return min(left, time.Minute)
	}
	if s.action == end {
		p.log.Info("session ends by itself", "err", string(s.reason))
		p.stop(s.reason)
		return time.Hour
	}
	p.askRestart(s.action)
	return 0
}

// askRestart asks the viewer for an offer with new ICE credentials. As the last resort the device has all relays by then
// that it may use.
func (p *Peer) askRestart(a action) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if a == restart {
		p.relaying = p.relaying || p.moreRelays()
		p.life.relays, p.life.asked = false, time.Now()
	} else {
		p.life.renewal.ask(time.Now())
	}
	said := protocol.Describe{Revision: p.remote.revision, Kind: protocol.DescribeRestart}
	p.said = &said
	p.tell(func(e Events) { e.Describe(p.opt.Session, said) })
	p.log.Info("ice restart asked for", "path", string(p.policy.Path))
}

// watch notes what the library says of a peer connection.
func (p *Peer) watch(pc *webrtc.PeerConnection) {
	p.watchChannels(pc)
	p.watchTalk(pc)
	pc.OnICECandidate(func(c *webrtc.ICECandidate) { p.gathered(pc, c) })
	pc.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if pc != p.pc {
			return // one that was given up
		}
		now := time.Now()
		p.life.enter(state, now)
		if p.life.connected() {
			first(&p.sheet.ice, now)
		}
		p.budget.connect(p.life.connected())
		p.starving = p.starving || !p.life.connected()
		p.poke()
	})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { p.connection(pc, state) })
	pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) {
		chosen := &selection{pair: pair, at: time.Now(), sent: p.counters()}
		if pair.Local.Typ != webrtc.ICECandidateTypeRelay {
			p.budget.agree(chosen.remote())
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		p.chosen, p.stale = chosen, true
		p.poke()
	})
}

// connection notes that DTLS is done, has failed, or was closed by the viewer.
func (p *Peer) connection(pc *webrtc.PeerConnection, state webrtc.PeerConnectionState) {
	p.mu.Lock()
	current := pc == p.pc
	if current && state == webrtc.PeerConnectionStateConnected {
		p.life.secured = true
		first(&p.sheet.dtls, time.Now())
	}
	p.mu.Unlock()
	if !current {
		return
	}
	switch state {
	case webrtc.PeerConnectionStateConnected:
		p.poke()
	case webrtc.PeerConnectionStateFailed:
		if pc.SCTP().Transport().State() == webrtc.DTLSTransportStateFailed {
			p.stop(protocol.ReasonICEFailed)
		}
	case webrtc.PeerConnectionStateClosed:
		p.stop(protocol.ReasonViewerLeft)
	}
}

// finish ends everything. What was left to tell is told, then the end.
func (p *Peer) finish() {
	p.report(p.counters(), true)
	p.speak()
	released := make(chan struct{})
	p.host.work.Go(func() {
		defer close(released)
		p.release()
	})
	timer := time.NewTimer(closeTimeout)
	defer timer.Stop()
	select {
	case <-released:
	case <-timer.C:
		p.log.Warn("session slow to release", "took", closeTimeout)
	}
	p.host.forget(p)
	p.mu.Lock()
	reason := p.reason
	p.mu.Unlock()
	p.opt.Events.Closed(p.opt.Session, reason)
	close(p.done)
}

// release gives back the subscription, the peer connection and all goroutines.
func (p *Peer) release() {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	if flow != nil {
		flow.Close()
	}
	p.letGo()
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	pc := p.pc
	p.mu.Unlock()
	defer p.budget.renew()
	if pc != nil {
		if err := pc.GracefulClose(); err != nil {
			p.log.Debug("peer connection not closed cleanly", "err", err)
		}
	}
	p.work.Wait()
}
