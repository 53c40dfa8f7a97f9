package signal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// requestsPerSecond and requestBurst bound a viewer's requests. A wall of cameras opens its burst at once; nobody needs
// more than the rate after that.
const (
	requestsPerSecond = 2
	requestBurst      = 20
)

// admit verifies a hello and puts the client that it resumes, or a new one, on its socket. The welcome is queued.
func (h *Hub) admit(ctx context.Context, hello *protocol.Hello, k *carrier) (*client, error) {
	if hello.Version != protocol.Version {
		return nil, protocol.Errorf(protocol.CodeVersion, "this hub speaks version %d, not %d", protocol.Version, hello.Version)
	}
	if k.transport == protocol.TransportLongPoll {
		k.fallback = hello.Fallback
	}
	c, reason, err := h.resume(ctx, hello, k)
	if !errors.Is(err, errNotResumed) {
		return c, err
	}
	if err := h.mayQueue(); err != nil {
		h.admission.count(RefusedMemory)
		return nil, err
	}
	now := time.Now()
	c = h.newClient(hello.Role, hello.Client, k, now)
	if hello.Role == protocol.RoleDevice {
		return c, h.admitDevice(ctx, c, hello, reason, now)
	}
	viewer, err := h.config.Tokens.Verify(hello.Token, now)
	if err != nil {
		return nil, err
	}
	return c, h.admitViewer(ctx, c, viewer, reason, now)
}

// newClient makes a client that nobody knows yet, whose link is on a carrier.
func (h *Hub) newClient(role protocol.Role, program protocol.Client, k *carrier, now time.Time) *client {
	return &client{
		id: protocol.LinkID(newSecret()), key: newSecret(), role: role, address: k.address, program: program,
		since: now, hub: h, sessions: map[protocol.SessionID]*session{}, link: link.New(h.config.Link, now), carrier: k,
		handling: make(chan struct{}, 1), logger: h.config.Logger.With("address", k.address.String()),
	}
}

func (h *Hub) admitDevice(
	ctx context.Context, c *client, hello *protocol.Hello, reason protocol.ResumeReason, now time.Time,
) error {
	id, err := auth.DeviceOf(hello.Token)
	if err != nil {
		return err
	}
	row, err := h.config.Directory.Device(ctx, id)
	if errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		return protocol.Errorf(protocol.CodeBadToken, "no device %s is enrolled here", id).Because(err)
	}
	if err != nil {
		return fmt.Errorf("read device %s: %w", id, err)
	}
	token, err := auth.VerifyDevice(hello.Token, id, row.PublicKey, h.config.Audience, now)
	if err != nil {
		return err
	}
	if !row.Revoked.IsZero() {
		return removedError
	}
	if err := h.mayJoin(row.Project, now); err != nil {
		return err
	}
	if err := h.replay.Use(token, now); err != nil {
		return err
	}
	c.maxSessions, c.issued = maxSessions(hello), token.Issued.Unix()
	return h.enterDevice(ctx, c, row, reason)
}

// enterDevice makes a client the link of a device that has shown who it is.
func (h *Hub) enterDevice(ctx context.Context, c *client, row record.Device, reason protocol.ResumeReason) (err error) {
	if c.generation, err = h.config.Directory.NextGeneration(ctx, row.ID); err != nil {
		return fmt.Errorf("count link of device %s: %w", row.ID, err)
	}
	c.device = row.ID
	c.logger = c.logger.With("device", row.ID, "link", c.id)
	var change takeover
	comeOnline := func() (err error) {
		change, err = h.onlineLocked(c, row)
		return err
	}
	if err := h.welcome(c, reason, protocol.Snapshot{}, nil, comeOnline); err != nil {
		return err
	}
	h.complete(ctx, change)
	return nil
}

// admitViewer makes a client the link of a viewer whose token has been verified.
func (h *Hub) admitViewer(
	ctx context.Context, c *client, viewer auth.Viewer, reason protocol.ResumeReason, now time.Time,
) error {
	if err := h.mayJoin(viewer.Project, now); err != nil {
		return err
	}
	c.viewer = viewer
	c.renew = now.Add(h.config.CredentialRefresh)
	c.requests = rate.NewLimiter(requestsPerSecond, requestBurst)
	if c.grant == "" { // a guest may have fetched one
		c.grant = protocol.GrantID(newSecret())
	}
	c.logger = c.logger.With("link", c.id, "viewer", viewer.Subject)
	presence, owner, err := h.visible(ctx, viewer)
	if err != nil {
		return err
	}
	c.owner = owner
	payer := h.payer(c)
	plan := h.plan(payer)
	c.rationed = plan.Exhausted()
	c.terms = c.linkTerms(plan)
	servers, err := h.grantRelay(c.grant, protocol.RoleViewer, payer, c.terms)
	if err != nil {
		return fmt.Errorf("grant relay: %w", err)
	}
	snapshot := protocol.Snapshot{Presence: []protocol.Presence{presence}}
	watch := func() error {
		d := h.deviceLocked(viewer.Device)
		d.watchers[c] = true
		if d.status != protocol.StatusOffline { // it may have come online since it was looked up
			snapshot.Presence[0] = d.presence()
		}
		return nil
	}
	if err := h.welcome(c, reason, snapshot, servers, watch); err != nil {
		h.config.Relay.End(c.grant)
		return err
	}
	return nil
}

// maxSessions is how many viewers a device says that it serves.
func maxSessions(hello *protocol.Hello) int {
	if hello.MaxSessions == 0 {
		return protocol.DefaultMaxSessions
	}
	return hello.MaxSessions
}

// checkKeyLocked refuses tokens that a revoked key minted or signed.
func (h *Hub) checkKeyLocked(key protocol.KeyID) error {
	if h.revoked[key] {
		return protocol.Errorf(protocol.CodeRevoked, "access was withdrawn")
	}
	return nil
}

// welcomeOf is what the welcome of a new link and that of a resumed one have in common.
func (h *Hub) welcomeOf(c *client, k *carrier, servers []protocol.ICEServer, now time.Time) protocol.Welcome {
	welcome := protocol.Welcome{
		Link: c.id, Key: c.key, Node: h.config.Node, ResumeS: max(1, int(h.config.ResumeWindow/time.Second)),
		PingS: max(1, int(h.pingOn(k.transport)/time.Second)), Now: now.UTC().Truncate(time.Millisecond),
		Limits: protocol.Limits{
			MessageBytes: protocol.MaxMessageBytes, Unacked: protocol.MaxUnacked, UnackedBytes: protocol.MaxUnackedBytes,
			CandidatesPerSecond: protocol.CandidatesPerSecond, DescriptionsPerSecond: protocol.DescriptionsPerSecond,
		},
		ICEServers: servers, Grant: c.grant,
	}
	if c.role == protocol.RoleDevice {
		welcome.ICEServers = h.stun(h.config.DeviceSTUN...)
		return welcome
	}
	terms := c.linkTerms(h.plan(h.payer(c)))
	welcome.Path, welcome.RelayDelayMS = terms.Path, terms.RelayDelay.Milliseconds()
	return welcome
}

// greetLocked queues the first messages of a socket. There is no welcome where the client has had it.
func (c *client) greetLocked(welcome *protocol.Welcome, snapshot *protocol.Snapshot) {
	if welcome != nil {
		c.link.Greet(c.welcoming(welcome))
	}
	c.link.Greet(protocol.Must(protocol.TypeSnapshot, "", snapshot))
	c.paceLocked()
	c.wakeLocked()
	c.scheduleLocked()
}

func (c *client) welcoming(welcome *protocol.Welcome) protocol.Envelope {
	e := protocol.Must(protocol.TypeWelcome, "", welcome)
	e.Gen = c.generation
	return e
}

// welcome queues the first messages of a new link and makes the client known.
func (h *Hub) welcome(
	c *client, reason protocol.ResumeReason, snapshot protocol.Snapshot, servers []protocol.ICEServer, enter func() error,
) error {
	welcome := h.welcomeOf(c, c.carrier, servers, c.since)
	welcome.Reason = reason
	if snapshot.Sessions == nil {
		snapshot.Sessions = []protocol.SessionInfo{}
	}
	if snapshot.Presence == nil {
		snapshot.Presence = []protocol.Presence{}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if err := h.mayEnterLocked(c); err != nil {
		return err
	}
	if err := enter(); err != nil {
		return err
	}
	h.clients[c.id] = c
	c.mu.Lock()
	c.greetLocked(&welcome, &snapshot)
	c.mu.Unlock()
	c.logger.Info("link opened", "program", c.program.Name+" "+c.program.Version)
	return nil
}

// mayEnterLocked refuses a client whose access was withdrawn while its hello was verified.
func (h *Hub) mayEnterLocked(c *client) error {
	switch {
	case h.stopping:
		return protocol.Errorf(protocol.CodeGoingAway, "the server is stopping")
	case c.role == protocol.RoleViewer:
		if err := h.checkKeyLocked(c.viewer.Key); err != nil {
			return err
		}
		_, err := h.reach(c.viewer, c.owner, time.Now())
		return err
	case h.removed[c.device]:
		return removedError
	}
	return nil
}

var removedError = protocol.Errorf(protocol.CodeRevoked, "the device was removed from its project")
