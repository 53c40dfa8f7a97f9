package device

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
)

// viewings are the sessions of a device: what the hub says about each is handed to its peer connection. They outlive
// the link.
type viewings struct {
	camera *camera
	device protocol.DeviceID
	port   *reach.Port
	news   bulletin
	up     *uplink.Link
	work   sync.WaitGroup

	// mu guards what follows.
	mu  sync.Mutex
	all map[protocol.SessionID]*viewing
	// leaving says that the device goes: it takes no more sessions.
	leaving bool
	// advised says that the welcome named STUN servers: those of invites are not needed.
	advised bool
	// entrance is that of the newest welcome, capturing says that a still picture is on its way there.
	entrance  entrance
	capturing bool
}

func newViewings(c *camera, id protocol.DeviceID, port *reach.Port) *viewings {
	v := &viewings{camera: c, device: id, port: port, all: map[protocol.SessionID]*viewing{}}
	v.news.port, v.news.send, v.news.logger = port, v.send, c.log
	return v
}

// send queues a message for the hub. One that cannot be queued because too much is unacknowledged ends the door; the state
// repair after the next welcome then tells what was lost.
func (v *viewings) send(e protocol.Envelope) { _ = v.up.Send(e) }

// Welcomed implements uplink.Handler.
func (v *viewings) Welcomed(up uplink.Up) {
	v.mu.Lock()
	v.entrance = entrance{up.Hub, protocol.Authorization(up.Welcome.Link, up.Welcome.Key)}
	v.mu.Unlock()
	v.advise(up.Welcome.ICEServers, true)
	if !up.Welcome.Resumed {
		for _, e := range up.Lost {
			if e.Type == protocol.TypeClose {
				v.send(e)
			}
		}
		v.syncAll()
	}
	v.news.welcomed()
	v.camera.ready.Do(func() { v.camera.agent.isReady(v.device) })
}

// advise has the media port ask these STUN servers. Those of an invite count only where the welcome has none.
func (v *viewings) advise(servers []protocol.ICEServer, welcome bool) {
	urls := reach.STUNServers(servers)
	v.mu.Lock()
	if welcome {
		v.advised = len(urls) > 0
	}
	heed := welcome == v.advised && len(urls) > 0
	v.mu.Unlock()
	if !heed {
		return
	}
	v.port.SetServers(urls)
	if welcome {
		v.camera.agent.remember(func(m *mediaPort) { m.STUN = urls[:min(len(urls), maxKeptServers)] })
	}
}

func (v *viewings) get(id protocol.SessionID) *viewing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all[id]
}

func (v *viewings) list() []*viewing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return slices.Collect(maps.Values(v.all))
}

// add takes a session in, unless the device serves as many as it can.
func (v *viewings) add(w *viewing) error {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.leaving {
		return protocol.Errorf(protocol.CodeOffline, "the camera goes")
	}
	if len(v.all) >= v.camera.config.MaxSessions {
		return protocol.Errorf(protocol.CodeBusy, "the camera serves %d viewers already", len(v.all))
	}
	v.all[w.id] = w
	v.up.Carries(1)
	return nil
}

// remove reports whether the session was still this viewing.
func (v *viewings) remove(w *viewing) bool {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.all[w.id] != w {
		return false
	}
	delete(v.all, w.id)
	v.up.Carries(-1)
	return true
}

// Handle implements uplink.Handler: messages of the hub about sessions.
func (v *viewings) Handle(ctx context.Context, e protocol.Envelope, body protocol.Message) {
	switch m := body.(type) {
	case *protocol.Error:
		v.camera.log.Warn("hub refused a message", "session", e.Session, "err", m)
		return
	case *protocol.Invite:
		v.invite(ctx, e, m)
		return
	case *protocol.Capture:
		v.capture(ctx, m)
		return
	}
	w := v.get(e.Session)
	if w == nil {
		return // it has ended on this side, and the hub will hear, or has
	}
	switch m := body.(type) {
	case *protocol.Describe:
		if m.Kind == protocol.DescribeOffer {
			w.offer(offer{Offer: protocol.Offer{Revision: m.Revision, SDP: m.SDP}})
		}
	case *protocol.Candidate:
		w.candidate(m)
	case *protocol.Policy:
		w.peer.SetPolicy(v.local(*m))
	case *protocol.ICEServers:
		w.peer.SetICEServers(m.ICEServers)
	case *protocol.Closed:
		v.end(w, m.Reason)
	case *protocol.Sync:
		v.repair(w, m)
	}
}

// local turns the hub's time of a policy into this machine's.
func (v *viewings) local(policy protocol.Policy) protocol.Policy {
	policy.Expires = v.up.Local(policy.Expires)
	return policy
}

func (v *viewings) invite(ctx context.Context, e protocol.Envelope, m *protocol.Invite) {
	if old := v.get(e.Session); old != nil {
		v.end(old, protocol.ReasonSuperseded)
	}
	w, err := v.open(ctx, e.Session, m)
	if err != nil {
		v.refuse(e.Session, e.ID, err)
		return
	}
	v.camera.log.Info("viewer invited", "session", e.Session, "viewer", m.Viewer.Name)
	if m.Offer != nil {
		w.offer(offer{*m.Offer, e.ID})
	} else {
		v.accept(e.Session, e.ID)
	}
}

// open makes the peer connection of a session and begins to answer its offers.
func (v *viewings) open(ctx context.Context, id protocol.SessionID, m *protocol.Invite) (*viewing, error) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a session outlives the link it came by
	w := &viewing{of: v, id: id, since: time.Now(), cancel: cancel, offers: make(chan offer, maxOffers)}
	if err := v.add(w); err != nil {
		cancel()
		return nil, err
	}
	if m.Policy.Path != protocol.PathRelayOnly {
		v.advise(m.ICEServers, false)
	}
	policy := m.Policy
	if policy.Expires.IsZero() {
		policy.Expires = m.Expires
	}
	p, err := v.camera.agent.host.Open(peer.Options{
		Session: id, Grants: m.Grants, ICEServers: m.ICEServers, Policy: v.local(policy), Media: m.Media,
		SameNetwork: m.Viewer.SameNetwork, Trickle: m.Trickle, Camera: v.camera.source.Media(), Controls: controls{v.camera.source}, Events: w,
	})
	if err != nil {
		v.remove(w)
		w.cancel()
		return nil, err
	}
	w.peer = p
	v.work.Go(func() { w.answerAll(ctx) })
	return w, nil
}

func (v *viewings) accept(session protocol.SessionID, invite uint64) {
	e := protocol.Must(protocol.TypeReply, session, &protocol.Reply{})
	e.Re = invite
	v.send(e)
}

func (v *viewings) refuse(session protocol.SessionID, invite uint64, err error) {
	v.camera.log.Warn("viewer refused", "session", session, "err", err)
	e := protocol.Must(protocol.TypeError, session, protocol.AsError(err))
	e.Re = invite
	v.send(e)
}

// end ends a session that the hub has ended.
func (v *viewings) end(w *viewing, reason protocol.Reason) {
	v.camera.log.Info("session ended by the hub", "session", w.id, "reason", reason)
	v.drop(w, reason)
}

// drop ends a session without telling the hub.
func (v *viewings) drop(w *viewing, reason protocol.Reason) {
	v.remove(w)
	v.work.Go(func() {
		w.peer.Close(reason)
		w.cancel()
	})
}

// closeAll ends every session and waits until nothing of them is left. No other begins.
func (v *viewings) closeAll(reason protocol.Reason) {
	v.mu.Lock()
	v.leaving = true
	v.mu.Unlock()
	for _, w := range v.list() {
		v.drop(w, reason)
	}
	v.work.Wait()
}

// syncAll tells the hub every session after a link could not be resumed. The last one says so, if there is none too.
func (v *viewings) syncAll() {
	for _, w := range v.list() {
		state := w.peer.State()
		v.send(protocol.Must(protocol.TypeSync, w.id, &state))
	}
	v.send(protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true}))
}

// repair takes from the other end's state what this end lacks, and answers with its own.
func (v *viewings) repair(w *viewing, m *protocol.Sync) {
	if d := m.Description; d != nil && d.Kind == protocol.DescribeOffer {
		w.offer(offer{Offer: protocol.Offer{Revision: d.Revision, SDP: d.SDP}}) // one that is not newer is dropped
	}
	for i := range m.Candidates {
		w.candidate(&m.Candidates[i])
	}
	if m.Answer {
		return
	}
	state := w.peer.State()
	state.Answer = true
	v.send(protocol.Must(protocol.TypeSync, w.id, &state))
}
