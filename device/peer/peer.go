package peer

import (
	"log/slog"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
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
	controls Controls // the camera of opt, which may have none
	log      *slog.Logger

	meter meter
	pacer *media.Pacer
	// pathMeter and history are the interceptors that know the path and what was sent.
	pathMeter *pathMeter
	history   *retransmit

	budget *budget
	lane   *lane
	intake *intake
	// tieBreaker is that of the checks that the peer sends itself (RFC 8445 section 16.1).
	tieBreaker uint64
	// last is what the newest stats told. It is run's.
	last counters
	// turnedPicture says that another rendition is sent than before.
	turnedPicture atomic.Bool
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
	agreed   media.Agreement     // what video is sent under
	sound    media.AudioFormat   // what audio is
	reformed bool                // a rendition has another format than before
	flow     *media.Subscription // nil before DTLS is done
	remote   remote
	local    *generation        // of the newest offer, nil before the first
	said     *protocol.Describe // the newest of the own descriptions
	outbox   []func(Events)     // what run has to tell
	chosen   *selection         // nil before the first pair
	path     *protocol.Path     // what was told of it
	stale    bool               // chosen or relays changed since
	starving bool               // ICE was interrupted: a keyframe is needed when it connects
	quality  quality
	channels channels
	ear      *ear // nil when the viewer's sound is not taken
	wishes   wishes
	sheet    timesheet
	chooser  chooser
	brake    brake
	probe    probe
	// watching are told when Picture changes.
	watching map[*func()]struct{}
	// letGo releases the camera; calls after the first do nothing.
	letGo   func()
	around  surroundings
	network protocol.Network // as the media port knew it last
	checks  checks
	// creds are what checks of the peer's own are made with; none while they cannot be.
	creds credentials
	// checking says that the newest look at the path found checks to be of use.
	checking bool
}

func newPeer(h *Host, port *reach.Port, settings webrtc.SettingEngine, o Options) *Peer {
	budget, pacer := newBudget(h.allowance), media.NewPacer()
	p := &Peer{
		host: h, port: port, settings: settings, opt: o, controls: o.Controls,
		log:     h.log.With("session", string(o.Session)),
		pacer:   pacer,
		budget:  budget,
		lane:    &lane{UDPMux: h.mux, budget: budget},
		wake:    make(chan struct{}, 1),
		closing: make(chan struct{}),
		done:    make(chan struct{}),
		policy:  o.Policy,
		servers: slices.Clone(o.ICEServers),
		remote:  remote{revision: -1, relays: make(map[netip.AddrPort]bool)},

		pathMeter: &pathMeter{pacer: pacer},
		history:   &retransmit{},

		tieBreaker: rand.Uint64(), //nolint:gosec // it decides who yields, and no more
	}
	if p.controls == nil {
		p.controls = noControls{}
	}
	p.intake = &intake{flood: sync.OnceFunc(p.flooded)}
	p.settings.BufferFactory = p.intake.buffer
	p.lane.burst = newBurst(port, p.meter.lose)
	p.settings.SetICEUDPMux(p.lane)
	if h.mux.tcp != nil {
		p.settings.SetICETCPMux(&tcpLane{TCPMuxDefault: h.mux.tcp, lane: p.lane})
	}
	p.settings.SetRemoteIPFilter(p.budget.accepts)
	p.pathMeter.filled = p.poke
	p.sheet.invited = time.Now()
	p.life = lifecycle{cfg: h.cfg, opened: time.Now(), expires: o.Policy.Expires, ice: webrtc.ICEConnectionStateNew}
	p.life.relays = p.moreRelays()
	p.letGo = o.Camera.Hold()
	p.obey()
	return p
}

// SetICEServers replaces the STUN and TURN servers; the next ICE restart uses them.
func (p *Peer) SetICEServers(servers []protocol.ICEServer) {
	p.mu.Lock()
	p.servers = slices.Clone(servers)
	p.life.relays = p.moreRelays()
	p.mu.Unlock()
	p.surround()
	p.poke()
}

// SetPolicy replaces the policy, which is obeyed at once: the lease and the bounds of the relay path move, and media over
// a path that is not allowed any more stops until an ICE restart, which the viewer is asked for, has found another. The
// lease is in the clock of this machine.
func (p *Peer) SetPolicy(policy protocol.Policy) {
	p.mu.Lock()
	p.policy = policy
	p.life.expires = policy.Expires
	p.life.relays = p.moreRelays()
	p.obey()
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
		s.Candidates = p.local.all(s.Revision)
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
