package peer

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// run is the peer's own goroutine, from Open to the end.
func (p *Peer) run() {
	timer := time.NewTimer(0)
	defer timer.Stop()
	reports := time.NewTicker(p.host.cfg.ReportInterval)
	defer reports.Stop()
	last := counters{at: time.Now()}
	for {
		p.follow()
		p.speak()
		timer.Reset(p.deadline())
		select {
		case <-p.closing:
			p.finish(last)
			return
		case <-p.wake:
		case <-timer.C:
		case <-reports.C:
			last = p.report(last)
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
	p.mu.Lock()
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
	p.askRestart()
	return 0
}

// askRestart asks the viewer for an offer with new ICE credentials. By then the device has all relays that it may use.
func (p *Peer) askRestart() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.relaying = p.relaying || p.moreRelays()
	p.life.relays, p.life.asked = false, time.Now()
	said := protocol.Describe{Revision: p.remote.revision, Kind: protocol.DescribeRestart}
	p.said = &said
	p.tell(func(e Events) { e.Describe(p.opt.Session, said) })
	p.log.Info("ice restart asked for", "path", string(p.policy.Path))
}

// watch notes what the library says of a peer connection.
func (p *Peer) watch(pc *webrtc.PeerConnection) {
	pc.OnICECandidate(func(c *webrtc.ICECandidate) { p.gathered(pc, c) })
	pc.OnICEConnectionStateChange(func(state webrtc.ICEConnectionState) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if pc != p.pc {
			return // one that was given up
		}
		p.life.enter(state, time.Now())
		p.starving = p.starving || !p.life.connected()
		p.poke()
	})
	pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) { p.connection(pc, state) })
	pc.SCTP().Transport().ICETransport().OnSelectedCandidatePairChange(func(pair *webrtc.ICECandidatePair) {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.pair, p.stale = pair, true
		p.poke()
	})
}

// gathered notes a candidate of the library's, or, with nil, that it has no more.
func (p *Peer) gathered(pc *webrtc.PeerConnection, c *webrtc.ICECandidate) {
	complete := c == nil && pc.ICEGatheringState() == webrtc.ICEGatheringStateComplete
	p.mu.Lock()
	defer p.mu.Unlock()
	g := p.local
	switch {
	case g == nil:
		return
	case c != nil:
		g.add(c.ToJSON().Candidate)
	case complete:
		g.settle(&g.gathered)
	}
	p.spread(g)
}

// connection notes that DTLS is done, has failed, or was closed by the viewer.
func (p *Peer) connection(pc *webrtc.PeerConnection, state webrtc.PeerConnectionState) {
	p.mu.Lock()
	current := pc == p.pc
	p.life.secured = p.life.secured || current && state == webrtc.PeerConnectionStateConnected
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

// follow does what follows from the changes noted: it starts the packets, wants a keyframe after an interruption, and
// tells the path.
func (p *Peer) follow() {
	p.mu.Lock()
	start := p.life.secured && p.flow == nil && p.reason == ""
	var refresh *media.Subscription
	if p.starving && p.life.connected() {
		p.starving, refresh = false, p.flow
	}
	if start {
		p.flow = p.opt.Stream.Subscribe(media.Options{Video: p.video.target(), Audio: p.audio.target(), Pacer: p.pacer})
	}
	flow, pc, stale := p.flow, p.pc, p.stale && p.pair != nil
	p.mu.Unlock()
	if start {
		p.work.Go(func() { p.pump(flow) })
	}
	if refresh != nil {
		refresh.RequestKeyframe()
	}
	if stale {
		p.tellPath(roundTrip(pc))
	}
}

// tellPath tells the path if it is another than before.
func (p *Peer) tellPath(rtt time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stale = false
	path := pathOf(p.pair, p.remote.relays, rtt)
	if p.path != nil && samePath(*p.path, path) {
		return
	}
	p.path = &path
	p.tell(func(e Events) { e.Path(p.opt.Session, path) })
	p.log.Info("path selected", "path", string(path.Kind))
}

// pump sends the stream to the viewer until the peer ends.
func (p *Peer) pump(flow *media.Subscription) {
	ctx, cancel := p.whileOpen(context.Background())
	defer cancel()
	if err := flow.Run(ctx); err != nil && !errors.Is(err, io.ErrClosedPipe) {
		p.log.Error("sending stopped", "err", err)
		p.stop(protocol.ReasonInternal)
	}
}

// listen reads the viewer's RTCP about one track until the track ends. Interceptors see it first: without reading,
// neither retransmission nor congestion control works.
func (p *Peer) listen(sender *webrtc.RTPSender, t *track) {
	for {
		packets, _, err := sender.ReadRTCP()
		switch {
		case errors.Is(err, io.EOF), errors.Is(err, io.ErrClosedPipe):
			return
		case err != nil: // a packet that is none, or feedback about what was never sent
			select {
			case <-p.closing:
				return
			default:
				continue
			}
		}
		for _, packet := range packets {
			p.heed(packet, t)
		}
	}
}

func (p *Peer) heed(packet rtcp.Packet, t *track) {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	switch packet := packet.(type) {
	case *rtcp.PictureLossIndication, *rtcp.FullIntraRequest:
		if flow != nil {
			flow.RequestKeyframe()
		}
	case *rtcp.ReceiverReport:
		p.mu.Lock()
		defer p.mu.Unlock()
		if t != p.video && p.video != nil {
			return // quality is that of the picture, or of the sound where there is no picture
		}
		for _, r := range packet.Reports {
			if r.SSRC == t.target().SSRC {
				p.quality.take(r, t.codec.ClockRate, time.Now())
			}
		}
	}
}

// report tells stats if packets have left since the last time.
func (p *Peer) report(last counters) counters {
	p.mu.Lock()
	flow, pc, flowing := p.flow, p.pc, p.life.connected()
	p.mu.Unlock()
	if flow == nil || !flowing {
		return last
	}
	now := counters{
		at: time.Now(), packets: p.meter.packets.Load(), bytes: p.meter.bytes.Load(), frames: flow.Stats().Frames,
	}
	if now.packets == last.packets {
		return last
	}
	rtt := roundTrip(pc)
	p.mu.Lock()
	stats := p.quality.stats(last, now, rtt)
	p.mu.Unlock()
	p.opt.Events.Stats(p.opt.Session, stats)
	return now
}

// finish ends everything. What was left to tell is told, then the end.
func (p *Peer) finish(last counters) {
	p.report(last)
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
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	pc := p.pc
	p.mu.Unlock()
	if pc != nil {
		if err := pc.GracefulClose(); err != nil {
			p.log.Debug("peer connection not closed cleanly", "err", err)
		}
	}
	p.work.Wait()
}
