package api

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var testTime = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// unheard is a device that the hub knows nothing of.
const unheard protocol.DeviceID = "unheard"

// world is a small store and hub in memory. Lists are in the order of creation; a cursor is a number of rows.
type world struct {
	hooks *hooks
	// mu guards everything below.
	mu         sync.Mutex
	keys       []record.Key
	devices    []record.Device
	enrolments []record.Enrolment
	sessions   []record.Session
	// connections are all devices', the newest first.
	connections []record.Connection
	// networks are what the hub knows of devices, events all projects', usage what summed says for any filter, which asked
	// was.
	networks map[protocol.DeviceID]record.DeviceNetwork
	events   []record.Event
	usage    map[protocol.ProjectID][]record.PathUsage
	asked    record.PathFilter
	// alive are the sessions that the hub knows, log what it was told.
	alive   map[protocol.SessionID]bool
	log     []string
	plan    record.Plan
	entries []record.Entry
	// photos are the devices' pictures, nil of one that is offline.
	photos map[protocol.DeviceID][]byte
	// followers are told of all events.
	followers map[chan struct{}]bool
	// claims are those of all projects by their names.
	claims map[string]*fakeClaim
	// partnerKeys, grants and changed are what was made of keys for signing, device grants and projects.
	partnerKeys []record.PartnerKey
	grants      []record.DeviceGrant
	changed     map[protocol.ProjectID]record.ProjectChange
	// broken is what every call of Devices fails with, unless it is nil.
	broken error
}

func page[T any](rows []T, cursor string, limit int) ([]T, string, error) {
	at := 0
	if cursor != "" {
		var err error
		if at, err = strconv.Atoi(cursor); err != nil || at > len(rows) {
			return nil, "", protocol.Errorf(protocol.CodeInvalid, "this cursor came from no list")
		}
	}
	rows = rows[at:]
	if len(rows) <= limit {
		return rows, "", nil
	}
	return rows[:limit], strconv.Itoa(at + limit), nil
}

func of[T any](rows []T, wanted func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(rows), func(row T) bool { return !wanted(row) })
}

func nothing() error { return protocol.Errorf(protocol.CodeNotFound, "there is no such thing") }

func (w *world) Authenticate(_ context.Context, plain string) (record.Key, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, k := range w.keys {
		if auth.Matches(k.Hash, plain) {
			if !k.Revoked.IsZero() {
				return record.Key{}, protocol.Errorf(protocol.CodeRevoked, "the API key was revoked")
			}
			return k, nil
		}
	}
	return record.Key{}, protocol.Errorf(protocol.CodeBadToken, "there is no such API key")
}

func (w *world) CreateKey(_ context.Context, k record.Key) (record.Key, auth.Secret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	id, plain := auth.MintKey()
	k.ID, k.Hash, k.Created = id, auth.Hash(plain.Reveal()), testTime
	w.keys = append(w.keys, k)
	return k, plain, nil
}

func (w *world) Keys(_ context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Key, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return page(of(w.keys, func(k record.Key) bool { return k.Project == project }), cursor, limit)
}

func (w *world) RevokeKey(_ context.Context, project protocol.ProjectID, id protocol.KeyID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.keys {
		if w.keys[i].ID == id && w.keys[i].Project == project {
			w.keys[i].Revoked = testTime
			return nil
		}
	}
	return nothing()
}

func (w *world) Device(_ context.Context, id protocol.DeviceID) (record.Device, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.devices {
		if d.ID == id {
			return d, w.broken
		}
	}
	return record.Device{}, nothing()
}

func (w *world) Devices(_ context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Device, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.broken != nil {
		return nil, "", w.broken
	}
	return page(of(w.devices, func(d record.Device) bool { return d.Project == project && d.Revoked.IsZero() }), cursor, limit)
}

func (w *world) RevokeDevice(_ context.Context, project protocol.ProjectID, id protocol.DeviceID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.devices {
		if d := &w.devices[i]; d.ID == id && d.Project == project && d.Revoked.IsZero() {
			d.Revoked = testTime
			return nil
		}
	}
	return nothing()
}

func (w *world) CreateDevice(_ context.Context, project protocol.ProjectID, name, model string) (record.Device, auth.Secret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	d := record.Device{ID: protocol.DeviceID(fmt.Sprintf("d%d", len(w.devices))), Project: project, Name: name, Model: model, Created: testTime, Bearer: testTime}
	key, token := auth.MintBearer(d.ID)
	d.PublicKey = key
	w.devices = append(w.devices, d)
	return d, token, nil
}

func (w *world) RenewBearer(_ context.Context, project protocol.ProjectID, id protocol.DeviceID) (record.Device, auth.Secret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.devices {
		d := &w.devices[i]
		if d.ID != id || d.Project != project {
			continue
		}
		if d.Bearer.IsZero() {
			return record.Device{}, auth.Secret{}, protocol.Errorf(protocol.CodeConflict, "the device has an agent")
		}
		key, token := auth.MintBearer(id)
		d.PublicKey = key
		return *d, token, nil
	}
	return record.Device{}, auth.Secret{}, nothing()
}

func (w *world) Connections(_ context.Context, project protocol.ProjectID, id protocol.DeviceID) ([]record.Connection, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, d := range w.devices {
		if d.ID == id && d.Project == project && d.Revoked.IsZero() {
			return of(w.connections, func(c record.Connection) bool { return c.Device == id }), nil
		}
	}
	return nil, nothing()
}

func (w *world) Connection(id protocol.DeviceID) (record.Connection, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, c := range w.connections {
		if c.Device == id && c.Closed.IsZero() {
			return c, true
		}
	}
	return record.Connection{}, false
}

func (w *world) CreateEnrolment(_ context.Context, e record.Enrolment, life time.Duration) (record.Enrolment, auth.Secret, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	code := auth.MintCode()
	e.ID, e.Hash = fmt.Sprintf("e%d", len(w.enrolments)), auth.Hash(code.Reveal())
	e.Created, e.Expires = testTime, testTime.Add(life)
	w.enrolments = append(w.enrolments, e)
	return e, code, nil
}

func (w *world) Enrolments(_ context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Enrolment, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return page(of(w.enrolments, func(e record.Enrolment) bool { return e.Project == project }), cursor, limit)
}

func (w *world) DeleteEnrolment(_ context.Context, project protocol.ProjectID, id string) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	before := len(w.enrolments)
	w.enrolments = of(w.enrolments, func(e record.Enrolment) bool { return e.Project != project || e.ID != id })
	if len(w.enrolments) == before {
		return nothing()
	}
	return nil
}

func (w *world) Enrol(_ context.Context, code string, key ed25519.PublicKey, name, model string) (record.Device, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.enrolments {
		if auth.Matches(e.Hash, code) {
			d := record.Device{ID: protocol.DeviceID(fmt.Sprintf("d%d", len(w.devices))), Project: e.Project, Name: name, Model: model, PublicKey: key, Created: testTime}
			w.devices = append(w.devices, d)
			return d, nil
		}
	}
	return record.Device{}, nothing()
}

func (w *world) Get(_ context.Context, project protocol.ProjectID, id protocol.SessionID) (record.Session, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, s := range w.sessions {
		if s.ID == id && (s.Project == project || s.DeviceProject == project) {
			return s, nil
		}
	}
	return record.Session{}, nothing()
}

func (w *world) List(_ context.Context, project protocol.ProjectID, filter record.SessionFilter, cursor string, limit int) ([]record.Session, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return page(of(w.sessions, func(s record.Session) bool {
		return (s.Project == project || s.DeviceProject == project) && (filter.Device == "" || filter.Device == s.Device) && (filter.State == "" || filter.State == stateOf(s))
	}), cursor, limit)
}

func (w *world) End(_ context.Context, project protocol.ProjectID, id protocol.SessionID, reason protocol.Reason) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.sessions {
		if s := &w.sessions[i]; s.ID == id && s.Project == project && s.Ended.IsZero() {
			s.Ended, s.Reason = testTime, reason
		}
	}
	return nil
}

func (w *world) Presence(id protocol.DeviceID) protocol.Presence {
	if id == unheard {
		return protocol.Presence{Status: protocol.StatusOffline}
	}
	return protocol.Presence{Status: protocol.StatusOnline, Generation: 3, Since: testTime}
}

func (w *world) Network(id protocol.DeviceID) (record.DeviceNetwork, bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	n, ok := w.networks[id]
	return n, ok
}

func (w *world) Events(_ context.Context, project protocol.ProjectID, filter record.EventFilter, limit int) ([]record.Event, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	list := of(w.events, func(e record.Event) bool {
		return e.Project == project && e.Seq > filter.After && (len(filter.Kinds) == 0 || slices.Contains(filter.Kinds, e.Kind))
	})
	return list[:min(limit, len(list))], nil
}

func (w *world) PathUsage(_ context.Context, project protocol.ProjectID, filter record.PathFilter, cursor string, _ int) ([]record.PathUsage, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asked = filter
	if filter.Group == record.GroupDevice && cursor == "" {
		return w.usage[project], "more", nil
	}
	return w.usage[project], "", nil
}

func (w *world) tell(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.log = append(w.log, fmt.Sprintf(format, args...))
}

// hub is the part of the world that is alive. Its methods have other forms than the store's of the same names.
type hub struct{ *world }

func (h hub) Close(_ context.Context, id protocol.SessionID, reason protocol.Reason) error {
	h.mu.Lock()
	known := h.alive[id]
	delete(h.alive, id)
	h.mu.Unlock()
	if !known {
		return nothing()
	}
	h.tell("close %s %s", id, reason)
	return nil
}

func (h hub) Answer(_ context.Context, viewer auth.Viewer, offer string, wait time.Duration) (record.SessionAnswer, error) {
	if offer == "away" {
		return record.SessionAnswer{}, protocol.Errorf(protocol.CodeOffline, "the camera is offline")
	}
	h.tell("answer %s to %s by %s within %s until %s", viewer.Device, viewer.Subject, viewer.Key, wait, viewer.Expires.Format(time.RFC3339))
	return record.SessionAnswer{
		Session: "s9", SDP: "v=0 answer to " + offer, Expires: viewer.Expires, Resource: "/v1/devices/cam/whep/s9.x", ETag: `"e"`,
		ICEServers: []protocol.ICEServer{{URLs: []string{"stun:a.example"}}},
	}, nil
}

func (h hub) RevokeDevice(_ context.Context, id protocol.DeviceID) { h.tell("revoke device %s", id) }
func (h hub) RenewDevice(id protocol.DeviceID)                     { h.tell("renew device %s", id) }
func (h hub) RevokeKey(_ context.Context, id protocol.KeyID)       { h.tell("revoke key %s", id) }

// Snapshot says that a device that has no entry makes no pictures.
func (w *world) Snapshot(_ context.Context, id protocol.DeviceID) ([]byte, time.Time, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	photo, known := w.photos[id]
	switch {
	case !known:
		return nil, time.Time{}, protocol.Errorf(protocol.CodeNotFound, "the camera makes no still pictures")
	case photo == nil:
		return nil, time.Time{}, protocol.Errorf(protocol.CodeOffline, "the camera is offline")
	}
	return photo, testTime, nil
}

// newWorld makes an API on a world with two projects, mine and theirs, and a key of each.
func newWorld(t *testing.T) (w *world, a *API, mine, theirs string) {
	t.Helper()
	w = &world{hooks: &hooks{}, changed: map[protocol.ProjectID]record.ProjectChange{}, alive: map[protocol.SessionID]bool{}}
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	a, err = New(Config{
		Keys: w, Claims: w, PartnerKeys: w, DeviceGrants: w, Access: w, Projects: w, Devices: w, Enrolments: w, Sessions: w, Events: w, Usage: w, Budgets: w, Hub: hub{w}, Snapshots: w,
		Price:         Price{PerGB: 0.05, Currency: "USD"},
		Webhooks:      w.hooks,
		Courier:       w.hooks,
		Tokens:        auth.NewKeyring([]record.SigningKey{{ID: "a", Private: private}}),
		ClientAddress: remoteAddress,
		Now:           func() time.Time { return testTime },
	})
	if err != nil {
		t.Fatal(err)
	}
	mine, theirs = w.addKey(t, "mine"), w.addKey(t, "theirs")
	return w, a, mine, theirs
}

func (w *world) addKey(t *testing.T, project protocol.ProjectID) string {
	t.Helper()
	_, plain, err := w.CreateKey(t.Context(), record.Key{Project: project})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal()
}

func parseAddress(text string) netip.Addr {
	address, err := netip.ParseAddrPort(text)
	if err != nil {
		return netip.Addr{}
	}
	return address.Addr()
}

func (w *world) Project(_ context.Context, id protocol.ProjectID) (record.Project, error) {
	return record.Project{ID: id, Name: "project " + string(id)}, nil
}

func (w *world) Plan(_ context.Context, id protocol.ProjectID) (record.Plan, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	plan := w.plan
	plan.Project = id
	return plan, nil
}
