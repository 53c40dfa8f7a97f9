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
