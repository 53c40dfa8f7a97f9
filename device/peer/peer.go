package peer

import (
	"context"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// Peer is the device's end of one session. It is safe for concurrent use.
type Peer struct {
	host *Host
	opt  Options
}

func newPeer(h *Host, _ *socket, _ webrtc.SettingEngine, o Options) *Peer { return &Peer{host: h, opt: o} }

// Offer takes a viewer's offer and has the answer told by Events.Describe. A newer revision renegotiates, with an
// ICE restart when its ICE credentials are new; one that is not newer is dropped. It fails with CodeCodec when the
// viewer can decode nothing that the stream has, with CodeBadMessage when the offer is none, and with ErrClosed.
func (p *Peer) Offer(ctx context.Context, offer protocol.Offer) error { return ctx.Err() }

// Candidate takes a candidate of the viewer, which may come before its description. One of another revision or ICE
// generation is dropped without an error, so is one with a .local name: the device does no multicast DNS.
func (p *Peer) Candidate(c protocol.Candidate) error { return nil }

// SetICEServers replaces the STUN and TURN servers; the next ICE restart uses them.
func (p *Peer) SetICEServers(servers []protocol.ICEServer) {}

// SetPolicy replaces the policy: the lease moves at once. Which paths are tried is decided by the policy that an
// offer meets.
func (p *Peer) SetPolicy(policy protocol.Policy) {}

// State returns the session as state repair needs it.
func (p *Peer) State() protocol.Sync { return protocol.Sync{} }

// Close ends the session: packets stop at once, then Events.Closed is told, and everything the peer has is
// released. It returns when that is done, after 5 s at the latest. Only the first call has an effect.
func (p *Peer) Close(reason protocol.Reason) {}
