package signal

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"maps"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// world stands in for the store and the relay. It keeps their promises: an ended session stays as it ended, and a grant
// that was ended is never granted again.
type world struct {
	mu      sync.Mutex
	devices map[protocol.DeviceID]record.Device
	rows    map[protocol.SessionID]record.Session
	revoked []protocol.KeyID
	granted map[protocol.GrantID]int
	allowed map[protocol.GrantID][]netip.AddrPort
	ended   map[protocol.GrantID]bool
	// assigned is what the relay was told of grants, plan what the hub is told of every project.
	assigned map[protocol.GrantID]record.Plan
	plan     record.Plan
	// connections are by their ID, with the last that was saved of each. unsaved, when set, fails their writes.
	connections map[string]record.Connection
	unsaved     error
	// present are the devices that were told to be online or suspect, told all that was told of presence, and alerts.
	present map[protocol.DeviceID]record.Presence
	told    []record.Presence
	alerts  []record.Alert
	// generations are the highest that were told.
	generations map[protocol.DeviceID]uint64
	// saving, when set, is called before each write of a session; its error fails the write.
	saving func(record.Session) error
}

func newWorld() *world {
	return &world{
		devices: map[protocol.DeviceID]record.Device{}, rows: map[protocol.SessionID]record.Session{},
		connections: map[string]record.Connection{},
		present:     map[protocol.DeviceID]record.Presence{}, generations: map[protocol.DeviceID]uint64{},
		granted: map[protocol.GrantID]int{}, allowed: map[protocol.GrantID][]netip.AddrPort{}, ended: map[protocol.GrantID]bool{},
		assigned: map[protocol.GrantID]record.Plan{},
	}
}

func (w *world) Device(_ context.Context, id protocol.DeviceID) (record.Device, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d, ok := w.devices[id]
	if !ok {
		return d, protocol.Errorf(protocol.CodeNotFound, "there is no such device")
	}
	return d, nil
}

func (w *world) NextGeneration(_ context.Context, id protocol.DeviceID) (uint64, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.devices[id]
	d.Generation++
	w.devices[id] = d
	return d.Generation, nil
}

func (w *world) Seen(_ context.Context, id protocol.DeviceID, at time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := w.devices[id]
	d.LastSeen = at
	w.devices[id] = d
	return nil
}

func (w *world) SaveConnection(_ context.Context, c record.Connection) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unsaved != nil {
		return w.unsaved
	}
	w.connections[c.ID] = c
	return nil
}

func (w *world) LoseConnections(context.Context) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for id, c := range w.connections {
		if c.Closed.IsZero() {
			c.Closed, c.Cause = time.Now(), record.CauseHubLost
			w.connections[id] = c
		}
	}
	return nil
}

func (w *world) EndConnections(ctx context.Context, ended []record.Connection) error {
	for _, c := range ended {
		if err := errors.Join(w.SaveConnection(ctx, c), w.Seen(ctx, c.Device, c.Closed)); err != nil {
			return err
		}
	}
	return nil
}

// SavePresence tells what the store would.
func (w *world) SavePresence(_ context.Context, changes []record.Presence) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.unsaved != nil {
		return w.unsaved
	}
	for _, p := range changes {
		known := cmp.Or(w.present[p.Device].Status, protocol.StatusOffline)
		if p.Generation < w.generations[p.Device] || p.Status == protocol.StatusSuspect && known == protocol.StatusOffline {
			continue
		}
		w.generations[p.Device] = p.Generation
		if p.Status == protocol.StatusOffline {
			delete(w.present, p.Device)
		} else {
			w.present[p.Device] = p
		}
		if p.Status != known {
			w.told = append(w.told, p)
		}
	}
	return nil
}

func (w *world) SaveAlerts(_ context.Context, alerts []record.Alert) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.alerts = append(w.alerts, alerts...)
	return nil
}

func (w *world) Present(context.Context) ([]record.Presence, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	present := slices.Collect(maps.Values(w.present))
	for i, p := range present {
		present[i].Since = w.devices[p.Device].LastSeen
	}
	return present, nil
}

// toldOf returns what was told of a device's presence.
func (w *world) toldOf(id protocol.DeviceID) (told []record.Presence) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range w.told {
		if p.Device == id {
			told = append(told, p)
		}
	}
	return told
}

// history returns a device's connections, the newest first.
func (w *world) history(id protocol.DeviceID) []record.Connection {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := slices.DeleteFunc(slices.Collect(maps.Values(w.connections)), func(c record.Connection) bool { return c.Device != id })
	slices.SortFunc(list, func(a, b record.Connection) int {
		return cmp.Or(-cmp.Compare(a.Generation, b.Generation), b.Opened.Compare(a.Opened))
	})
	return list
}

func (w *world) RevokedKeys(context.Context) ([]protocol.KeyID, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.revoked), nil
}

// hold makes each write of a session call f first.
func (w *world) hold(f func(record.Session) error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.saving = f
}

func (w *world) Save(_ context.Context, s record.Session) error {
	w.mu.Lock()
	saving := w.saving
	w.mu.Unlock()
	if saving != nil {
		if err := saving(s); err != nil {
			return err
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if known, ok := w.rows[s.ID]; ok {
		if known.Project != s.Project || known.Device != s.Device || !bytes.Equal(known.Owner, s.Owner) {
			return protocol.Errorf(protocol.CodeConflict, "the session belongs to another owner or device")
		}
		if !known.Ended.IsZero() {
			if s.Ended.IsZero() {
				return protocol.Errorf(protocol.CodeConflict, "the session has ended")
			}
			return nil
		}
	}
	if known := w.rows[s.ID].Account; known.Version >= s.Account.Version {
		s.Account = known
	}
	w.rows[s.ID] = s
	return nil
}

func (w *world) SaveAccounts(_ context.Context, sessions []record.Session) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range sessions {
		if known, ok := w.rows[s.ID]; ok && known.Account.Version < s.Account.Version {
			known.Account = s.Account
			w.rows[s.ID] = known
		}
	}
	return nil
}

func (w *world) SaveNetworks(_ context.Context, told []record.DeviceNetwork) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, n := range told {
		d := w.devices[n.Device]
		d.Network, d.NetworkTold = &n.Network, n.Told
		w.devices[n.Device] = d
	}
	return nil
}

func (w *world) Open(context.Context) ([]record.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.DeleteFunc(slices.Collect(maps.Values(w.rows)), func(s record.Session) bool { return !s.Ended.IsZero() }), nil
}

func (w *world) Get(_ context.Context, project protocol.ProjectID, id protocol.SessionID) (record.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	s, ok := w.rows[id]
	if !ok || s.Project != project {
		return s, protocol.Errorf(protocol.CodeNotFound, "there is no such session")
	}
	return s, nil
}

func (w *world) row(id protocol.SessionID) record.Session {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.rows[id]
}

func (w *world) Grant(id protocol.GrantID, role protocol.Role) ([]protocol.ICEServer, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.ended[id] {
		return nil, errors.New("the grant has ended")
	}
	w.granted[id]++
	return []protocol.ICEServer{{URLs: []string{"turn:relay.example"}, Username: string(id), Credential: string(role)}}, nil
}

func (w *world) STUN() []string { return []string{"stun:relay.example"} }

func (w *world) Allow(id protocol.GrantID, peer netip.AddrPort) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.allowed[id] = append(w.allowed[id], peer)
}

// peersOf returns the peers that a grant was told of, each once and in order.
func (w *world) peersOf(id protocol.GrantID) []netip.AddrPort {
	w.mu.Lock()
	defer w.mu.Unlock()
	peers := slices.Clone(w.allowed[id])
	slices.SortFunc(peers, netip.AddrPort.Compare)
	return slices.Compact(peers)
}

func (w *world) End(id protocol.GrantID) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ended[id] = true
}

// alive are the grants that were made and not ended.
func (w *world) alive() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	n := 0
	for id := range w.granted {
		if !w.ended[id] {
			n++
		}
	}
	return n
}

func (w *world) hasEnded(id protocol.GrantID) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.ended[id]
}

func (w *world) Assign(id protocol.GrantID, project protocol.ProjectID, maxKbps int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.assigned[id] = record.Plan{Project: project, Terms: record.Terms{MaxKbps: maxKbps}}
}

// Plan is what setPlan has said of whatever project.
func (w *world) Plan(protocol.ProjectID) record.Plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.plan
}

func (w *world) setPlan(plan record.Plan) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.plan = plan
}

func (w *world) assignedTo(id protocol.GrantID) record.Plan {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.assigned[id]
}
