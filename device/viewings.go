package device

import (
	"context"
	"sync"

	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/protocol"
)

// viewings are the sessions of a device: what the hub says about each is handed to its peer connection, and what that
// tells goes to the hub. They outlive the link. It implements peer.Events.
type viewings struct {
	agent *Agent
	up    *uplink
	work  sync.WaitGroup

	// mu guards what follows.
	mu  sync.Mutex
	all map[protocol.SessionID]*viewing
}

// viewing is one session. Its offers are taken in by a goroutine of its own, because an answer may have to wait for
// the source.
type viewing struct {
	id      protocol.SessionID
	peer    *peer.Peer
	release func()
	cancel  context.CancelFunc
	offers  chan offer
}

// offer is a description to answer, and the invite that brought it.
type offer struct {
	protocol.Offer
	invite uint64
}

// maxOffers bounds the offers that wait for the one that is being answered.
const maxOffers = 4

func newViewings(a *Agent, u *uplink) *viewings {
	return &viewings{agent: a, up: u, all: map[protocol.SessionID]*viewing{}}
}

func (v *viewings) get(id protocol.SessionID) *viewing {
	v.mu.Lock()
	defer v.mu.Unlock()
	return v.all[id]
}

// handle takes a message of the hub about a session.
func (v *viewings) handle(ctx context.Context, e protocol.Envelope, body protocol.Message) {
	if m, ok := body.(*protocol.Invite); ok {
		v.invite(ctx, e, m)
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
		v.candidate(w, m)
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
	policy.Expires = policy.Expires.Add(-v.up.skew)
	return policy
}

func (v *viewings) invite(ctx context.Context, e protocol.Envelope, m *protocol.Invite) {
	if old := v.get(e.Session); old != nil {
		v.end(old, protocol.ReasonSuperseded)
	}
	v.mu.Lock()
	full := len(v.all) >= v.agent.config.MaxSessions
	v.mu.Unlock()
	if full {
		v.refuse(e.Session, e.ID, protocol.Errorf(protocol.CodeBusy, "the camera serves %d viewers already", v.agent.config.MaxSessions))
		return
	}
	p, err := v.agent.host.Open(peer.Options{
		Session: e.Session, Grants: m.Grants, ICEServers: m.ICEServers, Policy: v.local(m.Policy), Media: m.Media,
		Trickle: m.Trickle, Stream: v.agent.feed.Stream(), Events: v,
	})
	if err != nil {
		v.refuse(e.Session, e.ID, err)
		return
	}
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx)) // a session outlives the link it came by
	w := &viewing{
		id: e.Session, peer: p, release: v.agent.feed.Acquire(), cancel: cancel, offers: make(chan offer, maxOffers),
	}
	v.mu.Lock()
	v.all[e.Session] = w
	v.mu.Unlock()
	v.work.Go(func() { v.answerAll(ctx, w) })
	if m.Offer != nil {
		w.offer(offer{*m.Offer, e.ID})
	} else {
		v.accept(e.Session, e.ID)
	}
	v.agent.config.Logger.Info("viewer invited", "session", e.Session, "viewer", m.Viewer.Name)
}

// offer queues a description; a flood of them is cut to the newest few.
func (w *viewing) offer(o offer) {
	for {
		select {
		case w.offers <- o:
			return
		default:
		}
		select {
		case <-w.offers:
		default:
		}
	}
}

// answerAll answers a session's offers until the session ends.
func (v *viewings) answerAll(ctx context.Context, w *viewing) {
	for {
		select {
		case <-ctx.Done():
			return
		case o := <-w.offers:
			err := w.peer.Offer(ctx, o.Offer)
			switch {
			case ctx.Err() != nil:
				return
			case err == nil && o.invite != 0:
				v.accept(w.id, o.invite)
			case err != nil && o.invite != 0:
				v.drop(w, protocol.ReasonFor(protocol.AsError(err).Code))
				v.refuse(w.id, o.invite, err)
				return
			case err != nil:
				v.agent.config.Logger.Warn("offer not taken", "session", w.id, "err", err)
			}
		}
	}
}

func (v *viewings) accept(session protocol.SessionID, invite uint64) {
	e := protocol.Must(protocol.TypeReply, session, &protocol.Reply{})
	e.Re = invite
	v.up.send(e)
}

func (v *viewings) refuse(session protocol.SessionID, invite uint64, err error) {
	why := protocol.AsError(err)
	v.agent.config.Logger.Warn("viewer refused", "session", session, "err", err)
	e := protocol.Must(protocol.TypeError, session, why)
	e.Re = invite
	v.up.send(e)
}

func (v *viewings) candidate(w *viewing, m *protocol.Candidate) {
	if err := w.peer.Candidate(*m); err != nil {
		v.agent.config.Logger.Debug("candidate not taken", "session", w.id, "err", err)
	}
}

// end ends a session that the hub has ended.
func (v *viewings) end(w *viewing, reason protocol.Reason) {
	v.agent.config.Logger.Info("session ended by the hub", "session", w.id, "reason", reason)
	v.drop(w, reason)
}

// drop ends a session without telling the hub.
func (v *viewings) drop(w *viewing, reason protocol.Reason) {
	v.mu.Lock()
	if v.all[w.id] == w {
		delete(v.all, w.id)
	}
	v.mu.Unlock()
	v.work.Go(func() {
		w.peer.Close(reason)
		w.stop()
	})
}

// stop ends what a session has besides its peer connection.
func (w *viewing) stop() {
	w.cancel()
	w.release()
}

// closeAll ends every session and waits until nothing of them is left.
func (v *viewings) closeAll(reason protocol.Reason) {
	v.mu.Lock()
	all := make([]*viewing, 0, len(v.all))
	for _, w := range v.all {
		all = append(all, w)
	}
	v.mu.Unlock()
	for _, w := range all {
		v.drop(w, reason)
	}
	v.work.Wait()
}

// syncAll tells the hub every session after a link could not be resumed. The last one says so, if there is none too.
func (v *viewings) syncAll() {
	v.mu.Lock()
	all := make([]*viewing, 0, len(v.all))
	for _, w := range v.all {
		all = append(all, w)
	}
	v.mu.Unlock()
	for _, w := range all {
		state := w.peer.State()
		v.up.send(protocol.Must(protocol.TypeSync, w.id, &state))
	}
	v.up.send(protocol.Must(protocol.TypeSync, "", &protocol.Sync{Last: true}))
}

// repair takes from the other end's state what this end lacks, and answers with its own.
func (v *viewings) repair(w *viewing, m *protocol.Sync) {
	if d := m.Description; d != nil && d.Kind == protocol.DescribeOffer {
		w.offer(offer{Offer: protocol.Offer{Revision: d.Revision, SDP: d.SDP}}) // one that is not newer is dropped
	}
	for i := range m.Candidates {
		v.candidate(w, &m.Candidates[i])
	}
	if m.Answer {
		return
	}
	state := w.peer.State()
	state.Answer = true
	v.up.send(protocol.Must(protocol.TypeSync, w.id, &state))
}

// Describe implements peer.Events.
func (v *viewings) Describe(session protocol.SessionID, m protocol.Describe) {
	v.up.send(protocol.Must(protocol.TypeDescribe, session, &m))
}

// Candidate implements peer.Events.
func (v *viewings) Candidate(session protocol.SessionID, m protocol.Candidate) {
	v.up.send(protocol.Must(protocol.TypeCandidate, session, &m))
}

// Path implements peer.Events.
func (v *viewings) Path(session protocol.SessionID, m protocol.Path) {
	v.agent.config.Logger.Info("path chosen", "session", session, "path", m.Kind, "means", m.Means)
	v.up.send(protocol.Must(protocol.TypePath, session, &m))
}

// Stats implements peer.Events.
func (v *viewings) Stats(session protocol.SessionID, m protocol.Stats) {
	v.up.send(protocol.Must(protocol.TypeStats, session, &m))
}

// Closed implements peer.Events.
func (v *viewings) Closed(session protocol.SessionID, reason protocol.Reason) {
	v.mu.Lock()
	w := v.all[session]
	if w != nil {
		delete(v.all, session)
	}
	v.mu.Unlock()
	if w != nil {
		v.agent.config.Logger.Info("session ended", "session", session, "reason", reason)
		v.up.send(protocol.Must(protocol.TypeClose, session, &protocol.Close{Reason: reason}))
		w.stop()
	}
}
