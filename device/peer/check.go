package peer

import (
	"fmt"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// credentials are those of an ICE generation that a check needs (RFC 8445 section 7.2.2).
type credentials struct {
	// local and remote are the username fragments, password is the viewer's.
	local, remote, password string
	tieBreaker              uint64
}

// reflexivePriority is that of the peer-reflexive candidate which a check may make the viewer learn (RFC 8445 section
// 7.1.1): type preference 110, the highest local preference, component 1.
const reflexivePriority = 110<<24 | 65535<<8 | 255

// request builds one connectivity check of a controlled agent, as ICE itself would send it. The viewer answers, and
// checks back over the same way, which makes a pair of it.
func (c credentials) request() ([]byte, error) {
	message, err := stun.Build(
		stun.TransactionID, stun.BindingRequest,
		stun.NewUsername(c.remote+":"+c.local),
		ice.AttrControlled(c.tieBreaker),
		ice.PriorityAttr(reflexivePriority),
		stun.NewShortTermIntegrity(c.password),
		stun.Fingerprint,
	)
	if err != nil {
		return nil, fmt.Errorf("build check: %w", err)
	}
	return message.Raw, nil
}

// check sends the checks that are due. Until some pair works the library checks what it was given by itself; the first goes
// out all the same, so that a NAT which counts gives its next port to a candidate that the viewer named.
func (p *Peer) check() {
	due, creds, alone := p.dueChecks(time.Now())
	for _, t := range due {
		if !alone && !t.predicted && t.pause != 0 || !p.budget.spend(t.address, t.predicted) {
			continue
		}
		request, err := creds.request()
		if err == nil {
			_, err = p.port.WriteTo(request, t.address)
		}
		if err != nil {
			p.log.Debug("check not sent", "err", err)
		}
	}
}

// dueChecks returns the addresses to check now, what with, and whether the library does not check them by itself.
func (p *Peer) dueChecks(now time.Time) (due []target, creds credentials, alone bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	direct := p.life.connected() && p.path != nil && p.path.Kind == protocol.PathDirect
	wanted := !direct && p.creds.local != "" && p.policy.Path != protocol.PathRelayOnly && p.reason == ""
	if wanted && !p.checking {
		p.checks.resume(now)
	}
	if p.checking = wanted; wanted {
		due = p.checks.due(now)
	}
	return due, p.creds, !p.life.trying
}

// nextCheck returns how long to wait for the next check.
func (p *Peer) nextCheck() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := p.checks.next()
	if !p.checking || at.IsZero() {
		return time.Hour
	}
	return max(time.Until(at), 0)
}
