package signal

import (
	"context"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// bookInterval is how often the account of a session is kept, and what is known of a device's network, when nothing that
// must not be lost happens to it: as often as the relay's counts.
const bookInterval = 10 * time.Second

// rowLocked returns the session as it is now, for the store.
func (s *session) rowLocked(now time.Time) record.Session {
	s.row.Account.Version++
	row := s.row
	row.Account = s.row.Account.Clone()
	s.unsaved, s.booked = false, now
	return row
}

// saveBooks keeps what has changed in the books and was last kept that long ago. What the store does not take now it gets
// the next time.
func (h *Hub) saveBooks(ctx context.Context, now time.Time, age time.Duration) {
	var rows []record.Session
	var networks []record.DeviceNetwork
	h.mu.Lock()
	for _, s := range h.sessions {
		if s.unsaved && s.opened && now.Sub(s.booked) >= age {
			rows = append(rows, s.rowLocked(now))
		}
	}
	for _, s := range h.late {
		if s.unsaved {
			rows = append(rows, s.rowLocked(now))
		}
	}
	for _, d := range h.devices {
		if now.Sub(d.booked) >= age {
			networks = append(networks, d.newsLocked(now)...)
		}
	}
	h.mu.Unlock()
	for some := range slices.Chunk(rows, atOnce) {
		if err := within(ctx, func(ctx context.Context) error { return h.config.Sessions.SaveAccounts(ctx, some) }); err != nil {
			h.config.Logger.Error("accounts of sessions not saved", "err", err)
			h.bookAgain(some)
		}
	}
	for some := range slices.Chunk(networks, atOnce) {
		h.saveNetworks(ctx, some)
	}
}

// newsLocked returns what the store does not know of the device's network: one, or nothing.
func (d *device) newsLocked(now time.Time) []record.DeviceNetwork {
	if !d.unsaved {
		return nil
	}
	d.unsaved, d.booked = false, now
	return []record.DeviceNetwork{{Device: d.id, Network: *d.network, Told: d.told}}
}

// saveNetworks keeps what devices have told. What the store does not take it gets when the device has its next link.
func (h *Hub) saveNetworks(ctx context.Context, told []record.DeviceNetwork) {
	if len(told) == 0 || h.ends() {
		return
	}
	if err := within(ctx, func(ctx context.Context) error { return h.config.Directory.SaveNetworks(ctx, told) }); err != nil {
		h.config.Logger.Error("networks of devices not saved", "err", err)
	}
}

// within bounds a write to the store.
func within(ctx context.Context, write func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), saveTimeout)
	defer cancel()
	return write(ctx)
}

// bookAgain has accounts kept that could not be.
func (h *Hub) bookAgain(rows []record.Session) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range rows {
		for _, s := range []*session{h.sessions[row.ID], h.late[row.ID]} {
			if s != nil {
				s.unsaved = true
			}
		}
	}
}
