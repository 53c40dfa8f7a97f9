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

// follow does what follows from the changes noted: it starts the packets, wants a keyframe after an interruption, and
// tells the path.
func (p *Peer) follow() {
	p.mu.Lock()
	pc, stale := p.pc, p.stale && p.chosen != nil
	p.mu.Unlock()
	if stale {
		p.tellPath(pc) // before packets flow: the path may bound them
	}
	p.serveChannel()
	p.hear()
	p.mu.Lock()
	start := p.life.secured && p.flow == nil && p.reason == ""
	var refresh *media.Subscription
	if p.starving && p.life.connected() {
		p.starving, refresh = false, p.flow
	}
	if start {
		p.flow = p.subscribe(time.Now())
	}
	flow := p.flow
	p.mu.Unlock()
	if start {
		p.mu.Lock()
		p.reformed = true // it may be since the answer
		p.mu.Unlock()
		p.work.Go(func() { p.pump(flow) })
	}
	if refresh != nil {
		refresh.RequestKeyframe()
	}
}

// tellPath tells the path if it is another than before, and before it what went over that one.
func (p *Peer) tellPath(pc *webrtc.PeerConnection) {
	p.mu.Lock()
	p.stale = false
	chosen, before := *p.chosen, p.path
	path := chosen.path(p.remote.relays, p.checks.predicts(chosen.remote()))
	pairs := p.checks.predictions()
	p.mu.Unlock()
	if before != nil && samePath(*before, path) {
		return
	}
	if before != nil {
		p.report(chosen.sent, false)
	}
	path.RTTMS = milliseconds(roundTrip(pc))
	path.AfterMS = chosen.at.Sub(p.life.opened).Milliseconds()
	path.Pairs = pairs + pairsTried(pc)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.path = &path
	p.sheet.move(path.Kind, chosen.at)
	p.obey()
	p.tell(func(e Events) { e.Path(p.opt.Session, path) })
	p.log.Debug("path selected", "path", string(path.Kind), "means", string(path.Means))
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
// neither retransmission nor congestion control works. What they have decoded is not decoded again: feedback comes ten
// times a second from each viewer.
func (p *Peer) listen(sender *webrtc.RTPSender, t *track) {
	b := make([]byte, maxDatagram)
	for {
		packets, err := readRTCP(sender, b)
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

// maxDatagram is what comes in one packet at most: the MTU of Ethernet.
const maxDatagram = 1500

func readRTCP(sender *webrtc.RTPSender, b []byte) ([]rtcp.Packet, error) {
	n, attributes, err := sender.Read(b)
	if err != nil {
		return nil, err
	}
	return attributes.GetRTCPPackets(b[:n])
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

// counters are what has left by now, but for the frames, which report adds.
func (p *Peer) counters() counters {
	return counters{at: time.Now(), packets: p.meter.packets.Load(), bytes: p.meter.bytes.Load()}
}

// report tells stats if packets have left since the last time, and the last ones if they have of late.
func (p *Peer) report(now counters, last bool) {
	p.mu.Lock()
	flow, pc := p.flow, p.pc
	p.mu.Unlock()
	idle := now.packets <= p.last.packets && (!last || now.at.Sub(p.last.at) > p.host.cfg.ReportInterval)
	if flow == nil || idle {
		return
	}
	sent := flow.Stats()
	now.frames = sent.Frames
	rtt := roundTrip(pc)
	showing, _ := flow.Showing()
	p.mu.Lock()
	stats := p.quality.stats(p.last, now, rtt)
	stats.Retransmitted = p.history.resent.Load()
	stats.KeyframeRequests, stats.Dropped = sent.KeyframeRequests, sent.Dropped
	stats.EstimateKbps = p.estimate(now.at, stats.BitrateKbps)
	stats.Rendition, stats.Last = showing, last
	direct, relay := p.sheet.stays(now.at)
	stats.DirectS, stats.RelayS = direct.Seconds(), relay.Seconds()
	stats.Milestones = p.sheet.milestones(sent.FirstKeyframe)
	p.tell(func(e Events) { e.Stats(p.opt.Session, stats) })
	p.mu.Unlock()
	p.last = now
}

// estimate is what the path carries in kbit/s, as far as what was sent at the given rate can tell, where that is known.
func (p *Peer) estimate(now time.Time, sentKbps float64) float64 {
	kbps := float64(p.pathMeter.state(now).estimate) / 1000
	if sentKbps > 0 {
		kbps = min(kbps, provenTimes*sentKbps)
	}
	return kbps
}
