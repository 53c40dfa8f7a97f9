package device

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/protocol"
)

// viewing is one session. What its peer connection tells goes to the hub, as peer.Events, for as long as the session
// is this one's: an invite may have put another in its place. Its offers are taken in by a goroutine of its own,
// because an answer may have to wait for the source.
type viewing struct {
	of     *viewings
	id     protocol.SessionID
	peer   *peer.Peer
	cancel context.CancelFunc
	offers chan offer
	since  time.Time

	// mu guards what the peer connection told last.
	mu    sync.Mutex
	path  protocol.Path
	stats protocol.Stats
}

// offer is a description to answer, and the invite that brought it; 0 means that none did.
type offer struct {
	protocol.Offer
	invite uint64
}

// maxOffers bounds the offers that wait for the one that is being answered.
const maxOffers = 4

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

// answerAll answers the session's offers until it ends.
func (w *viewing) answerAll(ctx context.Context) {
	for answered := false; ; {
		select {
		case <-ctx.Done():
			return
		case o := <-w.offers:
			err := w.peer.Offer(ctx, o.Offer)
			switch {
			case ctx.Err() != nil || errors.Is(err, peer.ErrClosed):
				return
			case err == nil:
				answered = true
				if o.invite != 0 {
					w.of.accept(w.id, o.invite)
				}
			case answered: // the session is as it was before
				w.of.camera.log.Warn("offer not taken", "session", w.id, "err", err)
			default:
				w.decline(o.invite, err)
				return
			}
		}
	}
}

// decline ends a session whose first offer cannot be answered.
func (w *viewing) decline(invite uint64, err error) {
	reason := protocol.ReasonFor(protocol.AsError(err).Code)
	w.of.drop(w, reason)
	if invite != 0 {
		w.of.refuse(w.id, invite, err)
		return
	}
	w.of.camera.log.Warn("viewer refused", "session", w.id, "err", err)
	w.of.send(protocol.Must(protocol.TypeClose, w.id, &protocol.Close{Reason: reason}))
}

func (w *viewing) candidate(m *protocol.Candidate) {
	if err := w.peer.Candidate(*m); err != nil {
		w.of.camera.log.Debug("candidate not taken", "session", w.id, "err", err)
	}
}

// tell sends what concerns the session while it is this one's.
func (w *viewing) tell(t protocol.Type, m protocol.Message) {
	if w.of.get(w.id) == w {
		w.of.send(protocol.Must(t, w.id, m))
	}
}

// Describe implements peer.Events.
func (w *viewing) Describe(_ protocol.SessionID, m protocol.Describe) {
	w.tell(protocol.TypeDescribe, &m)
}

// Candidate implements peer.Events.
func (w *viewing) Candidate(_ protocol.SessionID, m protocol.Candidate) {
	w.tell(protocol.TypeCandidate, &m)
}

// Path implements peer.Events.
func (w *viewing) Path(_ protocol.SessionID, m protocol.Path) {
	w.mu.Lock()
	w.path = m
	w.mu.Unlock()
	w.of.camera.log.Info("path chosen", "session", w.id, "path", m.Kind, "means", m.Means)
	w.tell(protocol.TypePath, &m)
}

// Stats implements peer.Events. The last ones count although the session has been ended by others.
func (w *viewing) Stats(_ protocol.SessionID, m protocol.Stats) {
	w.mu.Lock()
	w.stats = m
	w.mu.Unlock()
	if now := w.of.get(w.id); now == nil || now == w {
		w.of.send(protocol.Must(protocol.TypeStats, w.id, &m))
	}
}

// Closed implements peer.Events.
func (w *viewing) Closed(_ protocol.SessionID, reason protocol.Reason) {
	w.cancel()
	if w.of.remove(w) {
		w.of.camera.log.Info("session ended", "session", w.id, "reason", reason)
		w.of.send(protocol.Must(protocol.TypeClose, w.id, &protocol.Close{Reason: reason}))
	}
}
