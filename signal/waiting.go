package signal

import (
	"context"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxWaiting bounds the opens that wait for one suspect device: more than it will serve.
const maxWaiting = 64

// waiting is an open that may have to wait for a suspect device to come back. Hub.mu guards behind and parked.
type waiting struct {
	viewer   *client
	request  protocol.Envelope
	open     *protocol.Open
	behind   backlog
	deadline time.Time
	parked   bool // among the waiting opens of its device
}

// waitLocked parks an open of a suspect device.
func (h *Hub) waitLocked(d *device, w *waiting) error {
	switch {
	case h.waitingLocked(w.viewer, w.request.Session) != nil:
		return protocol.Errorf(protocol.CodeConflict, "the session is being opened")
	case len(d.waiting) >= maxWaiting:
		return offlineError(d.since)
	}
	d.waiting = append(d.waiting, w)
	w.parked = true
	return nil
}

// unparkLocked reports whether a parked open is still wanted, and ends its wait.
func (h *Hub) unparkLocked(w *waiting) bool {
	d := h.devices[w.open.Device]
	if d == nil || !slices.Contains(d.waiting, w) {
		return false
	}
	d.cancelLocked(w.viewer, w.request.Session)
	w.parked = false
	return true
}

// resumeOpen goes on with a parked open whose device came back.
func (h *Hub) resumeOpen(ctx context.Context, w *waiting) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	if err := h.try(ctx, w); err != nil {
		w.viewer.refuse(w.request, err)
	}
}

// cancelLocked forgets a waiting open.
func (d *device) cancelLocked(c *client, id protocol.SessionID) {
	d.waiting = slices.DeleteFunc(d.waiting, func(w *waiting) bool { return w.viewer == c && w.request.Session == id })
}

// waitingLocked returns the viewer's waiting open of a session, nil if there is none.
func (h *Hub) waitingLocked(c *client, id protocol.SessionID) *waiting {
	d := h.devices[c.viewer.Device]
	if d == nil {
		return nil
	}
	for _, w := range d.waiting {
		if w.viewer == c && w.request.Session == id {
			return w
		}
	}
	return nil
}
