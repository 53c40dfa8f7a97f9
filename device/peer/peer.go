package peer

import (
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// Peer is the device's end of one session. It is safe for concurrent use. Its own goroutine (run.go) talks to
// Events, keeps the deadlines and starts what follows from a change; methods and the library's callbacks note
// changes and wake it.
type Peer struct {
	host     *Host
	port     *reach.Port
	settings webrtc.SettingEngine
	opt      Options
	log      *slog.Logger

	meter meter
	pacer *media.Pacer
	// wake has room for one signal that something changed.
	wake chan struct{}
	// closing is closed by the first Close, done when everything is released.
	closing, done chan struct{}
	// work is every goroutine but run's.
	work sync.WaitGroup

	// turn is held by the one Offer that is being answered, and by the end of the peer. It is taken before mu.
	turn sync.Mutex

	mu      sync.Mutex // guards what follows; neither Events nor the library is called under it
	life    lifecycle
	reason  protocol.Reason // why it ends; empty while it lives
	policy  protocol.Policy
	servers []protocol.ICEServer
	// relaying says that the device has taken the relays into its own configuration.
	relaying bool
	pc       *webrtc.PeerConnection // nil before the first offer
	video    *track                 // nil when not sent, like audio
	audio    *track
	flow     *media.Subscription // nil before DTLS is done
	remote   remote
	local    *generation              // of the newest offer, nil before the first
	said     *protocol.Describe       // the newest of the own descriptions
	outbox   []func(Events)           // what run has to tell
	pair     *webrtc.ICECandidatePair // the selected one, nil before
	path     *protocol.Path           // what was told of it
	stale    bool                     // pair or relays changed since
	starving bool                     // ICE was interrupted: a keyframe is needed when it connects
	quality  quality
}

func newPeer(h *Host, port *reach.Port, settings webrtc.SettingEngine, o Options) *Peer {
	p := &Peer{
		host: h, port: port, settings: settings, opt: o,
		log:     h.log.With("session", string(o.Session)),
		pacer:   media.NewPacer(),
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		policy:  o.Policy,
		servers: slices.Clone(o.ICEServers),
		remote:  remote{revision: -1, relays: make(map[netip.AddrPort]bool)},
	}
	p.life = lifecycle{cfg: h.cfg, opened: time.Now(), expires: o.Policy.Expires, ice: webrtc.ICEConnectionStateNew}
	p.life.relays = p.moreRelays()
	return p
}

// Candidate takes a candidate of the viewer, which may come before its description. One of another revision or ICE
// generation is dropped without an error, so is one with a .local name: the device does no multicast DNS. It fails
// with CodeBadMessage when it is no candidate, and with ErrClosed.
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

// admit hands a candidate to ICE if policy and limits allow.
func (p *Peer) admit(pc *webrtc.PeerConnection, line string) error {
	p.mu.Lock()
	ok, err := p.remote.admit(line, p.policy.Path)
	p.stale = true // its address may be that of a relay already in use
	p.mu.Unlock()
	p.poke()
	if err != nil || !ok {
		return err
	}
	if err := pc.AddICECandidate(webrtc.ICECandidateInit{Candidate: line}); err != nil {
		return protocol.Errorf(protocol.CodeBadMessage, "not an ICE candidate").Because(err)
	}
	return nil
}

// SetICEServers replaces the STUN and TURN servers; the next ICE restart uses them.
func (p *Peer) SetICEServers(servers []protocol.ICEServer) {
	p.mu.Lock()
	p.servers = slices.Clone(servers)
	p.life.relays = p.moreRelays()
	p.mu.Unlock()
	p.poke()
}

// SetPolicy replaces the policy. The lease moves at once; it is in the clock of this machine. A path that the policy
// does not allow any more is left at the next ICE restart.
func (p *Peer) SetPolicy(policy protocol.Policy) {
	p.mu.Lock()
	p.policy = policy
	p.life.expires = policy.Expires
	p.life.relays = p.moreRelays()
	p.mu.Unlock()
	p.poke()
}

// State returns the session as state repair needs it.
func (p *Peer) State() protocol.Sync {
	p.mu.Lock()
	defer p.mu.Unlock()
	s := protocol.Sync{Revision: max(p.remote.revision, 0), ICEConnected: p.life.connected()}
	if p.said != nil {
		said := *p.said
		s.Description = &said
	}
	if p.local != nil && p.local.answered {
		for _, line := range p.local.lines {
			s.Candidates = append(s.Candidates, p.local.candidate(s.Revision, line))
		}
	}
	if p.path != nil {
		path := *p.path
		s.Path = &path
	}
	return s
}

// Close ends the session: packets stop at once, everything the peer has is released, and Events.Closed is told. It
// returns when that is done, after 6 s at the latest. Only the first call has an effect. Events must not call it, since
// it waits for them.
func (p *Peer) Close(reason protocol.Reason) {
	p.stop(reason)
	timer := time.NewTimer(closeTimeout + time.Second)
	defer timer.Stop()
	select {
	case <-p.done:
	case <-timer.C:
	}
}

// stop begins the end without waiting for it.
func (p *Peer) stop(reason protocol.Reason) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.reason != "" {
		return
	}
	if !reason.Valid() {
		reason = protocol.ReasonInternal
	}
	p.reason = reason
	p.meter.shut.Store(true)
	close(p.closing)
}

// poke wakes run.
func (p *Peer) poke() {
	select {
	case p.wake <- struct{}{}:
	default:
	}
}

// tell has run tell something. It needs mu.
func (p *Peer) tell(what func(Events)) {
	p.outbox = append(p.outbox, what)
	p.poke()
}

// moreRelays reports whether there are relays that ICE could still be given. It needs mu.
func (p *Peer) moreRelays() bool {
	return !p.relaying && p.policy.Path != protocol.PathDirectOnly && p.policy.Path != protocol.PathRelayOnly &&
		len(turnServers(p.servers)) > 0
}

// configuration is what ICE may use now: relays only when there is no other way (the viewer's is enough, halves the
// allocations, and spares browsers a check through ours that comes before its candidate), or when policy has nothing
// else. STUN is never the library's business: see package reach. It needs mu.
func (p *Peer) configuration() webrtc.Configuration {
	c := webrtc.Configuration{Certificates: []webrtc.Certificate{p.host.certificate}}
	if p.policy.Path == protocol.PathRelayOnly {
		c.ICETransportPolicy = webrtc.ICETransportPolicyRelay
	}
	if p.policy.Path != protocol.PathDirectOnly && p.relaying || p.policy.Path == protocol.PathRelayOnly {
		c.ICEServers = turnServers(p.servers)
	}
	return c
}

// turnServers returns the relays of a list, each URL with its credentials.
func turnServers(servers []protocol.ICEServer) []webrtc.ICEServer {
	var relays []webrtc.ICEServer
	for _, s := range servers {
		if s.Username == "" || s.Credential == "" {
			continue
		}
		var urls []string
		for _, url := range s.URLs {
			if strings.HasPrefix(url, "turn:") || strings.HasPrefix(url, "turns:") {
				urls = append(urls, url)
			}
		}
		if len(urls) > 0 {
			relays = append(relays, webrtc.ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
		}
	}
	return relays
}
