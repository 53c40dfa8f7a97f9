package peer

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// ErrClosed is returned by a Host that does not listen, and by a peer that has ended.
var ErrClosed = errors.New("closed")

// maxBindingRequests is how often a candidate pair is checked before ICE gives it up. The library's own 7 last
// 1.6 s: too short for a candidate that the other end hears of late, and for a NAT that needs both ends to send.
const maxBindingRequests = 100

// closeTimeout bounds how long the end of a peer waits for its goroutines before it is told. What can hold it up is a relay that
// does not answer the release of an allocation.
const closeTimeout = 5 * time.Second

// Host owns what all sessions of a device share: the media port, the certificate and the knowledge of STUN. It is
// safe for concurrent use.
type Host struct {
	cfg         Config
	log         *slog.Logger
	certificate webrtc.Certificate
	allowance   *allowance

	// work is what the peers run.
	work sync.WaitGroup

	mu     sync.Mutex // guards what follows
	mux    *mux       // nil unless listening
	engine webrtc.SettingEngine
	peers  map[*Peer]struct{}
}

// NewHost makes a Host and the certificate that all its sessions use. It does no I/O.
func NewHost(cfg Config) (*Host, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	certificate, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, fmt.Errorf("make certificate: %w", err)
	}
	cfg = cfg.withDefaults()
	return &Host{cfg: cfg, log: cfg.Logger, certificate: *certificate, allowance: newAllowance(), peers: make(map[*Peer]struct{})}, nil
}

// Listen puts the sessions behind the media port, which the Host closes when it ends. A Host can listen once.
func (h *Host) Listen(port *reach.Port) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mux != nil {
		return errors.New("listen for sessions: already listening")
	}
	network, err := newRelayNetwork(h.cfg.Net)
	if err != nil {
		return err
	}
	h.mux = newMux(port, h.log)
	h.engine = h.settings()
	h.engine.SetNet(network)
	return nil
}

// settings are what all peer connections have in common.
func (h *Host) settings() webrtc.SettingEngine {
	var e webrtc.SettingEngine
	e.LoggerFactory = loggers{h.log}
	e.SetNetworkTypes([]webrtc.NetworkType{
		webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6, webrtc.NetworkTypeTCP4, webrtc.NetworkTypeTCP6,
	})
	e.DisableActiveTCP(false)
	e.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	e.SetICEMaxBindingRequests(maxBindingRequests)
	settleChannels(&e)
	e.SetICETimeouts(h.cfg.DisconnectedTimeout, h.cfg.FailedTimeout, h.cfg.Keepalive)
	return e
}

// Close ends all sessions with ReasonDeviceLeft and closes the media port. It may be called again.
func (h *Host) Close() error {
	h.mu.Lock()
	mux := h.mux
	h.mux = nil
	peers := make([]*Peer, 0, len(h.peers))
	for p := range h.peers {
		peers = append(peers, p)
	}
	h.mu.Unlock()
	var ending sync.WaitGroup
	for _, p := range peers {
		ending.Go(func() { p.Close(protocol.ReasonDeviceLeft) })
	}
	ending.Wait()
	if mux == nil {
		return nil
	}
	err := mux.Close()
	h.work.Wait()
	return err
}

// Open makes a peer for a session, which then waits for the viewer's offer. It fails with ErrClosed unless the host
// listens.
func (h *Host) Open(o Options) (*Peer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.mux == nil {
		return nil, fmt.Errorf("open session %s: %w", o.Session, ErrClosed)
	}
	p := newPeer(h, h.mux.port, h.engine, o)
	h.peers[p] = struct{}{}
	h.work.Go(p.run)
	return p, nil
}

// forget drops a peer that has ended.
func (h *Host) forget(p *Peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.peers, p)
}
