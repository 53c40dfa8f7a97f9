package signal

import (
	"context"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// device is what the hub knows of a device that has a link, had one lately, or is watched. Hub.mu guards it.
type device struct {
	id         protocol.DeviceID
	project    protocol.ProjectID
	name       string
	link       *client // nil while there is none; it may be without a socket
	status     protocol.Status
	generation uint64
	since      time.Time
	transport  protocol.Transport // of the link's carrier
	fallback   *protocol.Fallback
	sessions   map[protocol.SessionID]*session // all that are open
	watchers   map[*client]bool
	waiting    []*waiting

	// network is what it told at told of the network that it is in, nil before it has; unsaved that the store does not know.
	network      *protocol.Network
	told, booked time.Time
	unsaved      bool

	telling telling
}

func (h *Hub) deviceLocked(id protocol.DeviceID) *device {
	d := h.devices[id]
	if d == nil {
		d = &device{
			id: id, status: protocol.StatusOffline,
			watchers: map[*client]bool{}, sessions: map[protocol.SessionID]*session{},
		}
		h.devices[id] = d
	}
	return d
}

// forgetLocked drops a device that nobody needs any more.
func (h *Hub) forgetLocked(d *device) {
	if d.link == nil && d.status == protocol.StatusOffline && len(d.watchers) == 0 && len(d.waiting) == 0 && len(d.sessions) == 0 &&
		h.untold[d.id] == nil {
		delete(h.devices, d.id)
	}
}

func (d *device) presence() protocol.Presence {
	p := protocol.Presence{Device: d.id, Name: d.name, Status: d.status, Generation: d.generation, Since: d.since}
	if d.status == protocol.StatusOnline {
		p.Transport, p.Fallback = d.transport, d.fallback
	}
	return p
}

// connected reports whether the device has a link with a socket.
func (d *device) connected() bool { return d.link != nil && d.link.parked == nil }

// setStatusLocked changes the presence of a device and tells who watches it.
func (h *Hub) setStatusLocked(d *device, status protocol.Status, now time.Time) {
	if d.status == status {
		return
	}
	d.status, d.since = status, now.UTC().Truncate(time.Millisecond)
	h.changedLocked(d, now)
	h.tellPresenceLocked(d)
}

// tellPresenceLocked tells who watches a device what is known of it.
func (h *Hub) tellPresenceLocked(d *device) {
	presence := d.presence()
	e := protocol.Must(protocol.TypePresence, "", &presence)
	e.Gen = d.generation
	for watcher := range d.watchers {
		watcher.send(e)
	}
	h.config.Logger.Info("presence changed", "device", d.id, "status", d.status, "generation", d.generation)
}

// Presence tells what the hub knows of a device. One that it knows nothing of is offline, since a zero time.
func (h *Hub) Presence(id protocol.DeviceID) protocol.Presence {
	h.mu.Lock()
	defer h.mu.Unlock()
	if d := h.devices[id]; d != nil {
		return d.presence()
	}
	return protocol.Presence{Device: id, Status: protocol.StatusOffline}
}

// takeover is what is left to do when a device's new link is in its place: the link that was there before ends, and the
// viewers that waited come in.
type takeover struct {
	old *client
	let []*waiting
}

// onlineLocked puts a device's new link in the place of an older one. It refuses a hello that a newer one has overtaken,
// and one that was signed before the older one's: that has come late, on a socket that the device has given up, and
// must not send the device away.
func (h *Hub) onlineLocked(c *client, row record.Device) (takeover, error) {
	d := h.deviceLocked(c.device)
	old := d.link
	switch {
	case d.generation >= c.generation:
		return takeover{}, supersededError
	case old != nil && c.issued < old.issued:
		return takeover{}, errLate
	case old != nil:
		h.detachLocked(old) // what the device still holds, it will sync
	}
	d.link, d.project, d.name, d.generation = c, row.Project, row.Name, c.generation
	d.transport, d.fallback = c.door()
	if d.network == nil {
		d.network, d.told = row.Network, row.NetworkTold
	}
	if d.status == protocol.StatusOnline {
		d.status = protocol.StatusSuspect // so that watchers hear of the new generation
	}
	h.setStatusLocked(d, protocol.StatusOnline, c.since)
	return takeover{old, slices.Clone(d.waiting)}, nil
}

func (h *Hub) complete(ctx context.Context, change takeover) {
	if change.old != nil {
		change.old.close(supersededError)
	}
	for _, w := range change.let {
		h.resumeOpen(ctx, w)
	}
}

var supersededError = protocol.Errorf(protocol.CodeSuperseded, "a newer link with the same device key is alive")

// backLocked is told when a device's link goes on with another socket. It returns the opens that waited for that.
func (h *Hub) backLocked(c *client, now time.Time) []*waiting {
	d := h.devices[c.device]
	if d == nil || d.link != c {
		return nil
	}
	was := d.transport
	d.transport, d.fallback = c.door()
	if d.status == protocol.StatusOnline && d.transport != was {
		h.tellPresenceLocked(d)
	}
	h.setStatusLocked(d, protocol.StatusOnline, now)
	return slices.Clone(d.waiting)
}

// door tells by which door the link's carrier came, and why that is not the WebSocket's.
func (c *client) door() (protocol.Transport, *protocol.Fallback) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.carrier.transport, c.carrier.fallback
}

// gone is told when a device's link has ended. left says that it ended on purpose.
func (h *Hub) gone(ctx context.Context, c *client, left bool) {
	now := time.Now()
	h.mu.Lock()
	d := h.devices[c.device]
	if d == nil || d.link != c {
		h.mu.Unlock()
		return
	}
	d.link = nil
	h.detachLocked(c)
	online := d.status == protocol.StatusOnline // else it was last seen when it lost its socket
	var refuse []*waiting
	if left {
		refuse, d.waiting = d.waiting, nil
		h.setStatusLocked(d, protocol.StatusOffline, now)
	} else if online {
		h.setStatusLocked(d, protocol.StatusSuspect, now)
	}
	network := d.newsLocked(now)
	h.forgetLocked(d)
	h.mu.Unlock()
	h.saveNetworks(ctx, network)
	for _, w := range refuse {
		w.viewer.refuse(w.request, offlineError(now))
	}
	if online {
		h.seen(ctx, c.device, now)
	}
}

// seen keeps when a device was last online. At the end of the hub saveLast does that for all.
func (h *Hub) seen(ctx context.Context, id protocol.DeviceID, now time.Time) {
	if h.ends() {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	if err := h.config.Directory.Seen(ctx, id, now); err != nil {
		h.config.Logger.Error("last seen not saved", "device", id, "err", err)
	}
}

func offlineError(lastSeen time.Time) *protocol.Error {
	e := protocol.Errorf(protocol.CodeOffline, "the camera is offline")
	e.LastSeen = lastSeen.UTC().Truncate(time.Millisecond)
	return e
}
