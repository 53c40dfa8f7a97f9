package peer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// trickleWait is how long an answer may wait for the first candidates: those of the interfaces take 1 ms, and what
	// a STUN server said a moment ago is there as soon. What comes later follows by itself.
	trickleWait = 10 * time.Millisecond
	// fullWait is the same for a viewer that takes no candidates afterwards.
	fullWait = 500 * time.Millisecond
)

// Offer takes a viewer's offer and has the answer told by Events.Describe. A newer revision renegotiates, with an
// ICE restart when its ICE credentials are new; one that is not newer is dropped. It fails with CodeCodec when the
// viewer can decode nothing that the stream has, with CodeForbidden when it may not see anything, with CodeBadMessage
// when the offer is none, and with ErrClosed; the session then is as it was before.
func (p *Peer) Offer(ctx context.Context, offer protocol.Offer) error {
	p.turn.Lock()
	defer p.turn.Unlock()
	p.mu.Lock()
	first(&p.sheet.offer, time.Now())
	closed, stale, pc := p.reason != "", offer.Revision <= p.remote.revision, p.pc
	p.mu.Unlock()
	switch {
	case closed:
		return ErrClosed
	case stale:
		return nil
	}
	parsed, err := parseOffer(offer.SDP)
	if err != nil {
		return err
	}
	parsed.listen()
	p.surround()
	p.needRelays()
	ctx, cancel := p.whileOpen(ctx)
	defer cancel()
	if pc == nil {
		pc, err = p.first(ctx, parsed)
	} else {
		err = p.again(parsed)
	}
	if err != nil {
		return err
	}
	return p.answer(ctx, pc, parsed, offer.Revision)
}

// whileOpen returns a context that ends with ctx, or with the peer.
func (p *Peer) whileOpen(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	p.work.Go(func() {
		select {
		case <-p.closing:
			cancel()
		case <-ctx.Done():
		}
	})
	return ctx, cancel
}

// first chooses the formats and makes the peer connection that can say just these.
func (p *Peer) first(ctx context.Context, o *offer) (*webrtc.PeerConnection, error) {
	chosen, err := p.choose(ctx, o)
	if err != nil {
		return nil, err
	}
	engine, err := chosen.engine()
	if err != nil {
		return nil, err
	}
	registry, err := interceptors(&p.meter, p.pathMeter, p.history, loggers{p.log})
	if err != nil {
		return nil, err
	}
	ear, err := p.chooseEar(o, engine, registry)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	config := p.configuration()
	p.mu.Unlock()
	pc, err := webrtc.NewAPI(webrtc.WithSettingEngine(p.settings), webrtc.WithMediaEngine(engine),
		webrtc.WithInterceptorRegistry(registry)).NewPeerConnection(config)
	if err != nil {
		return nil, fmt.Errorf("make peer connection: %w", err)
	}
	var video, audio *track
	if len(chosen.video) > 0 {
		video = newTrack(webrtc.RTPCodecTypeVideo, chosen.video[0], p.opt.Session)
		err = errors.Join(err, p.send(pc, video))
	}
	if chosen.audio != nil {
		audio = newTrack(webrtc.RTPCodecTypeAudio, *chosen.audio, p.opt.Session)
		err = errors.Join(err, p.send(pc, audio))
	}
	if err != nil {
		return nil, errors.Join(err, pc.GracefulClose())
	}
	p.watch(pc)
	p.mu.Lock()
	p.video, p.audio, p.agreed, p.sound, p.ear = video, audio, chosen.agreed, chosen.sound, ear
	p.mu.Unlock()
	return pc, nil
}

// send adds a track and reads what the viewer reports about it.
func (p *Peer) send(pc *webrtc.PeerConnection, t *track) error {
	transceiver, err := pc.AddTransceiverFromTrack(t, webrtc.RTPTransceiverInit{
		Direction: webrtc.RTPTransceiverDirectionSendonly,
	})
	if err != nil {
		return fmt.Errorf("add %s: %w", t.kind, err)
	}
	if t.kind == webrtc.RTPCodecTypeAudio { // else its section would have the formats that the viewer talks in as well
		if err := transceiver.SetCodecPreferences([]webrtc.RTPCodecParameters{t.codec}); err != nil {
			return fmt.Errorf("add %s: %w", t.kind, err)
		}
	}
	p.work.Go(func() { p.listen(transceiver.Sender(), t) })
	return nil
}

// again prepares for a later offer: the formats stay, and ICE gets the servers of now.
func (p *Peer) again(o *offer) error {
	p.mu.Lock()
	video, audio, ear, pc, config := p.video, p.audio, p.ear, p.pc, p.configuration()
	fresh := o.ufrag != p.remote.ufrag
	p.mu.Unlock()
	for _, t := range []*track{video, audio} {
		if t == nil {
			continue
		}
		if err := o.retain(t); err != nil {
			return err
		}
	}
	if ear != nil {
		o.respeak(ear.codec)
	}
	if !fresh {
		return nil
	}
	if err := pc.SetConfiguration(config); err != nil {
		return fmt.Errorf("configure ICE: %w", err)
	}
	return nil
}

// answer sets the offer, makes the answer and hands it out with the candidates known by then.
func (p *Peer) answer(ctx context.Context, pc *webrtc.PeerConnection, o *offer, revision int) error {
	next := p.predict(ctx, o)
	g, fresh, undo := p.begin(pc, o, next)
	text, err := o.text()
	if err != nil {
		return errors.Join(fmt.Errorf("write the offer as taken: %w", err), undo())
	}
	if err := pc.SetRemoteDescription(webrtc.SessionDescription{Type: webrtc.SDPTypeOffer, SDP: text}); err != nil {
		return errors.Join(protocol.Errorf(protocol.CodeBadMessage, "the offer cannot be taken").Because(err), undo())
	}
	answer, err := pc.CreateAnswer(nil)
	if err == nil {
		err = pc.SetLocalDescription(answer)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("answer revision %d: %w", revision, err), undo())
	}
	p.mu.Lock()
	due := p.remote.advance(revision, o.ufrag, o.password)
	if fresh {
		p.checks.clear()
		p.creds = credentials{}
		p.budget.renew()
	}
	p.mu.Unlock()
	for _, line := range o.candidates {
		p.offerCandidate(pc, line)
	}
	for _, c := range due {
		p.offerCandidate(pc, c.Candidate)
	}
	p.await(ctx, g)
	return p.say(g, o, answer.SDP, revision, fresh)
}

// offerCandidate takes a candidate that nobody waits for an error of.
func (p *Peer) offerCandidate(pc *webrtc.PeerConnection, line string) {
	if err := p.admit(pc, line); err != nil {
		p.log.Debug("candidate dropped", "err", err)
	}
}

// begin puts the peer connection in place and, with new ICE credentials, a new generation of own candidates, which are
// next first. undo brings back what was before.
func (p *Peer) begin(pc *webrtc.PeerConnection, o *offer, next []found) (g *generation, fresh bool, undo func() error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	first, before := p.pc == nil, p.local
	p.pc = pc
	undo = func() error {
		p.mu.Lock()
		p.local = before
		if first {
			p.pc, p.video, p.audio, p.ear = nil, nil, nil, nil
		}
		p.mu.Unlock()
		if first {
			return pc.GracefulClose()
		}
		return nil
	}
	if p.local != nil && o.ufrag == p.remote.ufrag {
		return p.local, false, undo
	}
	g = &generation{over: make(chan struct{}), found: next}
	p.local = g
	if p.policy.Path == protocol.PathRelayOnly {
		g.placed = true
	} else {
		p.work.Go(func() { p.discover(g) })
	}
	return g, true, undo
}

// await waits for candidates as long as an answer may.
func (p *Peer) await(ctx context.Context, g *generation) {
	limit := fullWait
	if p.opt.Trickle {
		limit = trickleWait
	}
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-g.over:
	case <-timer.C:
	case <-ctx.Done():
	}
}

// say has the answer told.
func (p *Peer) say(g *generation, o *offer, answer string, revision int, fresh bool) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != "" {
		return ErrClosed
	}
	text, origins, err := g.describe(answer)
	if err != nil {
		return err
	}
	said := protocol.Describe{Revision: revision, Kind: protocol.DescribeAnswer, SDP: text, Origins: origins}
	p.said = &said
	p.life.answer(fresh, time.Now())
	first(&p.sheet.answer, time.Now())
	p.tell(func(e Events) { e.Describe(p.opt.Session, said) })
	g.answered = true
	if !o.lite {
		p.creds = credentials{local: g.ufrag, remote: o.ufrag, password: o.password, tieBreaker: p.tieBreaker}
	}
	p.spread(g)
	return nil
}
