package signal

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// errNotResumed says that a hello cannot go on with its link, and gets a new one.
var errNotResumed = errors.New("the link cannot be resumed")

// resume puts a link on the socket of a hello that names it. It fails with errNotResumed, and then says why, where the
// client needs a new link, and with CodeSuperseded for a device whose newer link is alive.
func (h *Hub) resume(ctx context.Context, hello *protocol.Hello, k *carrier) (*client, protocol.ResumeReason, error) {
	if hello.Resume == nil {
		return nil, protocol.ResumeNew, errNotResumed
	}
	h.mu.Lock()
	c := h.clients[hello.Resume.Link]
	h.mu.Unlock()
	if c == nil {
		return h.mourn(ctx, hello)
	}
	again, ok := h.same(ctx, c, hello)
	if !ok {
		return nil, protocol.ResumeNew, errNotResumed
	}
	r := &ride{client: c, carrier: k, received: hello.Resume.Received, maxSessions: maxSessions(hello), identity: again}
	if c.livesElsewhere(k) {
		err := h.court(ctx, r)
		return c, "", err
	}
	err := h.change(ctx, r)
	if errors.Is(err, errNotResumed) {
		return h.mourn(ctx, hello)
	}
	if err != nil {
		return nil, "", err
	}
	return c, "", nil
}

// ride is a link's way to its next carrier.
type ride struct {
	client  *client
	carrier *carrier
	identity
	received    uint64 // by the client
	maxSessions int    // of a device
	welcomed    bool   // the client has had its welcome on the carrier
}

// change puts a link on its next carrier, in the place of the last one. It fails with errNotResumed for a link that has
// ended.
func (h *Hub) change(ctx context.Context, r *ride) error {
	c := r.client
	select { // what the last socket's reader has begun is finished first
	case c.handling <- struct{}{}:
		defer func() { <-c.handling }()
	case <-ctx.Done():
		return protocol.Errorf(protocol.CodeGoingAway, "the last socket's messages are still being handled").Because(ctx.Err())
	}
	for {
		servers, presence, err := h.provideAgain(ctx, c, &r.identity)
		if err != nil {
			return err
		}
		let, err := h.attachCarrier(r, servers, presence)
		if errors.Is(err, errGrantMoved) {
			continue
		}
		if err == nil {
			h.allowSessions(c)
			h.reconsider(c)
			h.resumed(ctx, c, r.device, let)
		}
		return err
	}
}

// identity is who a hello that resumes has shown to be.
type identity struct {
	viewer auth.Viewer
	device auth.DeviceToken
	grant  protocol.GrantID // the viewer's unused one
}

// same checks that a hello comes from the link's client: by the link's key, and by a token that the same viewer or
// device could have got. Neither has to be in its time: the key has proved that.
func (h *Hub) same(ctx context.Context, c *client, hello *protocol.Hello) (again identity, ok bool) {
	if !sameKey(c.key, hello.Resume.Key) || c.role != hello.Role {
		return identity{}, false
	}
	if c.role == protocol.RoleDevice {
		token, err := h.verifyDevice(ctx, c.device, hello.Token)
		return identity{device: token}, err == nil
	}
	viewer, err := h.config.Tokens.Verify(hello.Token, time.Time{}) // when nothing had expired
	if err != nil {
		return identity{}, false
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return identity{viewer: viewer}, viewer.Project == c.viewer.Project && viewer.Subject == c.viewer.Subject && viewer.Device == c.viewer.Device
}

// verifyDevice checks whose a token is. One outside its time is returned empty.
func (h *Hub) verifyDevice(ctx context.Context, id protocol.DeviceID, text string) (auth.DeviceToken, error) {
	row, err := h.config.Directory.Device(ctx, id)
	if err != nil {
		return auth.DeviceToken{}, err
	}
	token, err := auth.VerifyDevice(text, id, row.PublicKey, h.config.Audience, time.Now())
	if errors.Is(err, &protocol.Error{Code: protocol.CodeClockSkew}) { // which it is when all else is right
		return auth.DeviceToken{}, nil
	}
	return token, err
}

// provideAgain readies what a viewer's welcome brings.
func (h *Hub) provideAgain(ctx context.Context, c *client, again *identity) ([]protocol.ICEServer, []protocol.Presence, error) {
	if c.role == protocol.RoleDevice {
		return nil, []protocol.Presence{}, nil
	}
	presence, _, err := h.visible(ctx, again.viewer)
	if err != nil {
		return nil, nil, err
	}
	h.mu.Lock()
	again.grant = c.grant
	payer := h.payer(c)
	terms := c.linkTerms(h.plan(payer))
	h.mu.Unlock()
	servers, err := h.grantRelay(again.grant, protocol.RoleViewer, payer, terms)
	if err != nil {
		return nil, nil, fmt.Errorf("grant relay: %w", err)
	}
	return servers, []protocol.Presence{presence}, nil
}

// errGrantMoved says that the viewer's unused grant was used while its successor on the next socket was being readied.
var errGrantMoved = errors.New("the grant was used")

// attachCarrier puts the link on its next socket, in the place of the last one, and queues the welcome. It returns the
// opens that waited for the device.
func (h *Hub) attachCarrier(r *ride, servers []protocol.ICEServer, presence []protocol.Presence) ([]*waiting, error) {
	c, now := r.client, time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.clients[c.id] != c {
		return nil, errNotResumed
	}
	if c.grant != r.grant {
		return nil, errGrantMoved
	}
	if err := h.mayReturnLocked(r); err != nil {
		return nil, err
	}
	d := h.devices[c.viewer.Device]
	if c.role == protocol.RoleViewer && d != nil && d.status != protocol.StatusOffline {
		presence = []protocol.Presence{d.presence()}
	}
	snapshot := protocol.Snapshot{Sessions: c.sessionsLocked(), Presence: presence}
	if err := c.rideLocked(r, now, servers, &snapshot); err != nil {
		return nil, err
	}
	h.unparkClientLocked(c)
	if s := h.prospects[c.id]; s != nil && s.carrier != r.carrier {
		delete(h.prospects, c.id) // the client has given it up
	}
	c.address = r.carrier.address
	if c.role == protocol.RoleViewer {
		c.renew = now.Add(h.config.CredentialRefresh)
		if r.viewer.Expires.After(c.viewer.Expires) {
			c.viewer = r.viewer
		}
		return nil, nil
	}
	c.maxSessions = r.maxSessions
	if r.device.ID != "" {
		c.issued = max(c.issued, r.device.Issued.Unix())
	}
	return h.backLocked(c, now), nil
}

// mayReturnLocked refuses a client whose access was withdrawn.
func (h *Hub) mayReturnLocked(r *ride) error {
	if r.client.role == protocol.RoleViewer {
		if err := h.checkKeyLocked(r.viewer.Key); err != nil {
			return err
		}
	}
	return h.mayEnterLocked(r.client)
}

// sessionsLocked lists the client's sessions for its snapshot.
func (c *client) sessionsLocked() []protocol.SessionInfo {
	infos := make([]protocol.SessionInfo, 0, len(c.sessions))
	for id, s := range c.sessions {
		info := protocol.SessionInfo{Session: id, State: protocol.SessionOpening}
		if s.answered() {
			info.State = protocol.SessionAnswered
		}
		infos = append(infos, info)
	}
	return infos
}

// rideLocked changes the link's socket. Hub.mu is held. It fails with errNotResumed for a link that is closed, or is now
// because the client says that it has what it cannot have, and with errLate for a hello that a later one has overtaken,
// which leaves the link as it is.
func (c *client) rideLocked(r *ride, now time.Time, servers []protocol.ICEServer, snapshot *protocol.Snapshot) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	received := r.received
	if r.welcomed { // the old carrier went on after that
		received = max(received, c.link.Acknowledged())
	}
	switch {
	case c.closed:
		return errNotResumed
	case received < c.link.Acknowledged():
		return errLate
	}
	if err := c.link.Attach(received, now); err != nil {
		c.closeLocked(protocol.AsError(err))
		return errNotResumed
	}
	if old := c.carrier; !old.left {
		c.loseLocked(old, displacedError)
	}
	c.carrier, c.kept = r.carrier, 0
	var welcome *protocol.Welcome
	if !r.welcomed {
		welcome = c.welcomeBackLocked(r.carrier, servers, now)
	}
	c.greetLocked(welcome, snapshot)
	return nil
}

func (c *client) welcomeBackLocked(k *carrier, servers []protocol.ICEServer, now time.Time) *protocol.Welcome {
	welcome := c.hub.welcomeOf(c, k, servers, now)
	welcome.Resumed, welcome.Received = true, c.link.Received()
	return &welcome
}

// errLate refuses a hello that took so long that the client has given it up: it knows less than has been acknowledged.
var errLate = protocol.Errorf(protocol.CodeGoingAway, "the client has come back on a later socket")

var displacedError = protocol.Errorf(protocol.CodeGoingAway, "the client came back on another socket")

// resumed sends all state again and lets in the opens that waited for the device.
func (h *Hub) resumed(ctx context.Context, c *client, token auth.DeviceToken, let []*waiting) {
	if token.ID != "" {
		_ = h.replay.Use(token, time.Now()) // nobody may begin a new link with it
	}
	h.mu.Lock()
	var mine []*session
	for _, s := range c.sessions {
		mine = append(mine, s)
		policy := s.policy()
		c.send(protocol.Must(protocol.TypePolicy, s.row.ID, &policy))
	}
	address := c.address
	h.mu.Unlock()
	c.logger.Info("link resumed", "from", address.String(), "sessions", len(mine))
	for _, s := range mine {
		if err := h.renew(s, c); err != nil {
			c.logger.Warn("relay credentials not renewed", "session", s.row.ID, "err", err)
		}
	}
	for _, w := range let {
		h.resumeOpen(ctx, w)
	}
}

// mourn says why a link that has ended cannot be resumed. The device of a superseded one is sent away while the newer
// link lives: two boxes with one key must not take turns.
func (h *Hub) mourn(ctx context.Context, hello *protocol.Hello) (*client, protocol.ResumeReason, error) {
	h.mu.Lock()
	g, known := h.graveLocked(hello.Resume.Link)
	d := h.devices[g.device]
	alive := d != nil && d.link != nil
	h.mu.Unlock()
	switch {
	case !known:
		return nil, protocol.ResumeNodeLost, errNotResumed
	case !sameKey(g.key, hello.Resume.Key):
		return nil, protocol.ResumeNew, errNotResumed
	case g.reason == protocol.ResumeSuperseded && alive && hello.Role == protocol.RoleDevice:
		if _, err := h.verifyDevice(ctx, g.device, hello.Token); err != nil {
			return nil, protocol.ResumeNew, errNotResumed
		}
		h.config.Logger.Warn("two boxes have the key of one device", "device", g.device, "link", hello.Resume.Link)
		h.mu.Lock()
		h.alertLocked(d, record.AlertDuplicateKey, time.Now())
		h.mu.Unlock()
		return nil, "", supersededError
	}
	return nil, g.reason, errNotResumed
}

// graveLocked also finds a link that is closed and whose reader has yet to take it off the hub.
func (h *Hub) graveLocked(id protocol.LinkID) (grave, bool) {
	c := h.clients[id]
	if c == nil {
		g, known := h.graves.byLink[id]
		return g, known
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return grave{c.key, c.reason, c.device}, c.closed
}
