package signal

import (
	"context"
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// What partners are told of presence, by the store's events, is less than watchers see: a state is told once it has held.
// The truth is what the hub knows of its devices; what the store did not take is told the next time, if it is still true.
const (
	// flapTime is how long a device must have been away to be told suspect or offline: a network that changes, and an agent
	// that starts again, take less.
	flapTime = 5 * time.Second
	// steadyTime is how long a device must have been told nothing of to be told online at once. One that comes and goes all
	// the time has to hold for flapTime.
	steadyTime = time.Minute
	// alertInterval is how often the store is asked to tell of one device's alert.
	alertInterval = time.Minute
)

// telling is what the store has told, or is to tell, of a device. Hub.mu guards it.
type telling struct {
	// status is what the newest event says of its presence, empty for offline, and at is when this hub had it told.
	status protocol.Status
	at     time.Time
	// cause is why its last socket ended.
	cause record.Cause
	// expected is set while a device that an earlier process left online has not come back.
	expected *expectation
	// alert is what is to be told; its Kind is empty where nothing is. alerted is when that was last the case.
	alert   record.Alert
	alerted time.Time
}

// expectation is a device of an earlier process. It is told nothing of before until: so long its agent may take to find
// the hub again.
type expectation struct {
	until, seen time.Time
	generation  uint64
}

func (t *telling) says(status protocol.Status) bool {
	return t.status == status || t.status == "" && status == protocol.StatusOffline
}

// expect takes what an earlier process has told, and left.
func (h *Hub) expect(present []record.Presence, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	until := now.Add(h.config.DrainDeadline + h.config.SuspectWindow)
	for _, p := range present {
		seen := p.Since
		if p.Status == protocol.StatusOnline && !seen.After(p.At) {
			seen = now.UTC() // it died without a word, and nobody knows when
		}
		d := h.deviceLocked(p.Device)
		d.telling = telling{status: p.Status, expected: &expectation{until, seen, p.Generation}}
		h.untold[d.id] = d
	}
}

// changedLocked is told of each change of a device's presence.
func (h *Hub) changedLocked(d *device, now time.Time) {
	if d.status == protocol.StatusOnline {
		d.telling.expected = nil
	}
	if d.telling.says(d.status) {
		h.toldLocked(d, now)
		return
	}
	h.untold[d.id] = d
	if d.dueLocked(now) {
		h.wakeTeller()
	}
}

// alertLocked has something told that a person should look at.
func (h *Hub) alertLocked(d *device, kind record.AlertKind, now time.Time) {
	if now.Sub(d.telling.alerted) < alertInterval {
		return
	}
	d.telling.alert, d.telling.alerted = record.Alert{Device: d.id, Kind: kind, At: now.UTC()}, now
	h.untold[d.id] = d
	h.wakeTeller()
}

func (h *Hub) wakeTeller() {
	select {
	case h.news <- struct{}{}:
	default: // it will look
	}
}

// dueLocked reports whether a state that differs from what was told has held for long enough.
func (d *device) dueLocked(now time.Time) bool {
	held := now.Sub(d.since) >= flapTime
	if d.status == protocol.StatusOnline {
		return held || now.Sub(d.telling.at) >= steadyTime
	}
	if e := d.telling.expected; e != nil {
		return !now.Before(e.until)
	}
	return held && (d.status == protocol.StatusOffline || d.telling.says(protocol.StatusOnline))
}

// recordLocked is the device's presence as the store is to have it.
func (d *device) recordLocked(now time.Time) record.Presence {
	p := record.Presence{
		Device: d.id, Status: d.status, Generation: d.generation, At: now.UTC(), Since: d.since, Transport: d.transport, Cause: d.telling.cause,
	}
	if e := d.telling.expected; e != nil {
		p.Generation, p.Since, p.Cause = e.generation, e.seen, record.CauseHubLost
	}
	return p
}

// tellUntil has the store told what is news as long as there are links, and of sessions' ends that it did not take.
func (h *Hub) tellUntil(ctx context.Context, over <-chan struct{}) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case <-ticker.C:
			h.keepEnds(ctx)
		case <-h.news:
		}
		for h.tell(ctx, time.Now()) {
		}
	}
}

// tell has some news told. It reports whether there may be more.
func (h *Hub) tell(ctx context.Context, now time.Time) (more bool) {
	changes, alerts := h.takeNews(now)
	if len(changes) == 0 && len(alerts) == 0 {
		return false
	}
	err := within(ctx, func(ctx context.Context) error {
		if len(changes) > 0 {
			if err := h.config.Directory.SavePresence(ctx, changes); err != nil {
				return err
			}
		}
		if len(alerts) > 0 {
			return h.config.Directory.SaveAlerts(ctx, alerts)
		}
		return nil
	})
	if err != nil {
		h.config.Logger.Error("presence not saved", "err", err)
		return false
	}
	h.told(changes, alerts, now)
	return len(changes)+len(alerts) >= atOnce
}

// takeNews lists what is due. A hub that stops tells of nobody's leaving: its devices are on their way to the next.
func (h *Hub) takeNews(now time.Time) (changes []record.Presence, alerts []record.Alert) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, d := range h.untold {
		if len(changes)+len(alerts) >= atOnce {
			break
		}
		if d.telling.alert.Kind != "" {
			alerts = append(alerts, d.telling.alert)
		}
		if !d.telling.says(d.status) && d.dueLocked(now) && (!h.stopping || d.status == protocol.StatusOnline) {
			changes = append(changes, d.recordLocked(now))
		}
		h.toldLocked(d, now)
		h.forgetLocked(d)
	}
	return changes, alerts
}

// told notes what the store has.
func (h *Hub) told(changes []record.Presence, alerts []record.Alert, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, a := range alerts {
		if d := h.untold[a.Device]; d != nil && d.telling.alert == a {
			d.telling.alert = record.Alert{}
		}
	}
	for _, p := range changes {
		d := h.untold[p.Device]
		if d == nil {
			continue
		}
		d.telling.status, d.telling.at = p.Status, now
		if p.Status == protocol.StatusOffline {
			d.telling.expected = nil
		}
	}
}

// toldLocked lets go of a device of which there is nothing to tell any more. One that was told of lately is remembered: it
// may come and go all the time.
func (h *Hub) toldLocked(d *device, now time.Time) {
	if d.telling.says(d.status) && d.telling.alert.Kind == "" && now.Sub(d.telling.at) >= steadyTime {
		delete(h.untold, d.id)
	}
}

// keepEnds keeps how sessions have ended where the store did not take that at once. There are no more of them than were
// open when it began to fail: it takes no new ones either.
func (h *Hub) keepEnds(ctx context.Context) {
	for {
		var s *session
		h.mu.Lock()
		for _, s = range h.unkept {
			break
		}
		h.mu.Unlock()
		if s == nil {
			return
		}
		if !h.keepEnd(ctx, s) {
			return
		}
	}
}

// keepEnd keeps how a session has ended, or has it tried again. It reports whether it need not be.
func (h *Hub) keepEnd(ctx context.Context, s *session) bool {
	err := h.persist(ctx, s)
	if err != nil {
		h.config.Logger.Error("end of session not saved", "session", s.row.ID, "err", err)
	}
	refused := errors.As(err, new(*protocol.Error)) // for ever
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil || refused {
		delete(h.unkept, s.row.ID)
		return true
	}
	h.unkept[s.row.ID] = s
	return false
}
