package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// Candidate takes a candidate of the viewer, which may come before its description. One of another revision or ICE
// generation is dropped without an error, so is one with a .local name: the device does no multicast DNS; and one that the
// device must not send to, or that is one too many. It fails with CodeBadMessage when it is no candidate, and with ErrClosed.
func (p *Peer) Candidate(c protocol.Candidate) error {
	p.mu.Lock()
	if p.reason != "" {
		p.mu.Unlock()
		return ErrClosed
	}
	now := p.remote.sort(c)
	pc := p.pc
	if c.Candidate != "" {
		p.life.heard = time.Now()
	}
	p.mu.Unlock()
	if !now || pc == nil {
		return nil
	}
	return p.admit(pc, c.Candidate)
}

// admit hands a candidate to ICE if policy and limits allow, and begins to check it.
func (p *Peer) admit(pc *webrtc.PeerConnection, line string) error {
	c, ok, err := readCandidate(line)
	if err != nil || !ok {
		return err
	}
	p.mu.Lock()
	admitted := p.remote.admit(c, p.policy.Path, p.around)
	p.stale = true // its address may be that of a relay already in use
	p.mu.Unlock()
	p.poke()
	if !admitted || !p.budget.knows(c.address) || c.dialled && !p.budget.dial() {
		p.log.Debug("candidate not admitted", "err", c.line)
		return nil
	}
	p.mu.Lock()
	p.aim(c, time.Now())
	p.mu.Unlock()
	if err := pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: c.line}); err != nil {
		select {
		case <-p.closing:
			return ErrClosed
		default:
		}
		return protocol.Errorf(protocol.CodeBadMessage, "not an ICE candidate").Because(err)
	}
	p.poke()
	return nil
}

// aim begins to check a candidate and those that it lets expect. It needs mu.
func (p *Peer) aim(c candidate, now time.Time) {
	if c.relayed || c.dialled {
		return
	}
	p.checks.add(c.address, false, now)
	if !c.reflexive || !c.address.Addr().Is4() || !needsPrediction(p.network) {
		return // nobody translates ports of IPv6
	}
	for _, next := range following(c.address) {
		if p.checks.predictions() < maxPredicted {
			p.checks.add(next, true, now.Add(predictionsWait(p.network)))
		}
	}
}
