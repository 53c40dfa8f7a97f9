package store

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// allEvents returns all events of the default project.
func allEvents(t *testing.T, s *Store, kinds ...record.EventKind) []record.Event {
	t.Helper()
	return must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{Kinds: kinds}, 0))(t)
}

// dataOf reads the data of an event.
func dataOf[T any](t *testing.T, e record.Event) (data T) {
	t.Helper()
	if err := json.Unmarshal(e.Data, &data); err != nil {
		t.Fatal(err)
	}
	return data
}

func savePresences(t *testing.T, s *Store, changes ...record.Presence) {
	t.Helper()
	if err := s.SavePresence(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
}

func TestPresenceIsToldOnceAndNeverLate(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		d := enrol(t, s, protocol.DefaultProject)
		change := func(status protocol.Status, generation uint64) record.Presence {
			c.pass(time.Second)
			return record.Presence{
				Device: d.ID, Status: status, Generation: generation, At: c.now(), Since: c.now(),
				Transport: protocol.TransportWebSocket, Cause: record.CauseLost,
			}
		}
		first := change(protocol.StatusOnline, 1)
		last := change(protocol.StatusOffline, 2)
		savePresences(t, s,
			change(protocol.StatusSuspect, 1), // of what nobody has heard that it is online
			first, first,
			change(protocol.StatusSuspect, 1),
			change(protocol.StatusOnline, 2), change(protocol.StatusOnline, 3),
			last,                              // of an older link than the one that is online
			change(protocol.StatusOffline, 3), // and this is true
			change(protocol.StatusSuspect, 3),
			record.Presence{Device: "nobody", Status: protocol.StatusOnline, Generation: 1, At: c.now()},
		)
		var got []string
		for _, e := range allEvents(t, s)[1:] {
			got = append(got, fmt.Sprint(e.Kind, " ", dataOf[record.PresenceEvent](t, e).Generation))
		}
		want := []string{"device.online 1", "device.suspect 1", "device.online 2", "device.offline 3"}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events differ:\n%s", diff)
		}
		online, offline := allEvents(t, s)[1], allEvents(t, s)[4]
		wantOnline := record.PresenceEvent{Generation: 1, Since: first.Since, Transport: protocol.TransportWebSocket}
		if diff := cmp.Diff(wantOnline, dataOf[record.PresenceEvent](t, online)); diff != "" {
			t.Errorf("online differs:\n%s", diff)
		}
		if data := dataOf[record.PresenceEvent](t, offline); data.Cause != record.CauseLost || data.Transport != "" || offline.Device != d.ID {
			t.Errorf("offline: got %+v of %s", data, offline.Device)
		}
		if got := must(s.Present(t.Context()))(t); len(got) != 0 {
			t.Errorf("got %+v, want nobody present", got)
		}
	})
}

func TestADeletedDeviceIsToldOfflineFirstAndNeverAgain(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		gone, away := enrol(t, s, protocol.DefaultProject), enrol(t, s, protocol.DefaultProject)
		savePresences(t, s, record.Presence{Device: gone.ID, Status: protocol.StatusOnline, Generation: 1, At: c.now(), Since: c.now()})
		for _, d := range []record.Device{gone, away} {
			if err := s.RevokeDevice(t.Context(), protocol.DefaultProject, d.ID); err != nil {
				t.Fatal(err)
			}
			savePresences(t, s, record.Presence{Device: d.ID, Status: protocol.StatusOnline, Generation: 2, At: c.now(), Since: c.now()})
			if err := s.SaveAlerts(t.Context(), []record.Alert{{Device: d.ID, Kind: record.AlertDuplicateKey, At: c.now()}}); err != nil {
				t.Fatal(err)
			}
		}
		var got []string
		for _, e := range allEvents(t, s) {
			got = append(got, string(e.Kind)+" "+map[protocol.DeviceID]string{gone.ID: "gone", away.ID: "away"}[e.Device])
		}
		want := []string{
			"device.enrolled gone", "device.enrolled away", "device.online gone",
			"device.offline gone", "device.deleted gone", "device.deleted away",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("events differ:\n%s", diff)
		}
		if got := must(s.Present(t.Context()))(t); len(got) != 0 {
			t.Errorf("got %+v, want nobody present", got)
		}
	})
}

func TestAnAlertStandsForAnHour(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		d := enrol(t, s, protocol.DefaultProject)
		for range 5 {
			if err := s.SaveAlerts(t.Context(), []record.Alert{{Device: d.ID, Kind: record.AlertDuplicateKey, At: c.now()}}); err != nil {
				t.Fatal(err)
			}
			c.pass(alertInterval / 2)
		}
		list := allEvents(t, s, record.EventDeviceAlert)
		if len(list) != 3 || dataOf[record.AlertEvent](t, list[0]).Alert != record.AlertDuplicateKey {
			t.Errorf("got %+v, want three alerts in five half hours", list)
		}
	})
}

func TestWhoeverTellsOfPresenceTheEventsMakeSense(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		random := rand.New(rand.NewPCG(7, 7))
		s, c := newStore(t, at)
		states, deleted := map[protocol.DeviceID]*toldPresence{}, map[protocol.DeviceID]bool{}
		var devices []protocol.DeviceID
		for range 5 {
			d := enrol(t, s, protocol.DefaultProject)
			devices = append(devices, d.ID)
			states[d.ID] = &toldPresence{status: protocol.StatusOffline}
		}
		for range 200 {
			changes := make([]record.Presence, 1+random.IntN(4))
			for i := range changes {
				c.pass(time.Second)
				status := []protocol.Status{protocol.StatusOnline, protocol.StatusSuspect, protocol.StatusOffline}[random.IntN(3)]
				changes[i] = record.Presence{
					Device: devices[random.IntN(len(devices))], Status: status, Generation: random.Uint64N(20), At: c.now(), Since: c.now(),
				}
			}
			for range 1 + random.IntN(2) { // as if the answer to the first was lost
				savePresences(t, s, changes...)
			}
			if random.IntN(100) == 0 {
				_ = s.RevokeDevice(t.Context(), protocol.DefaultProject, devices[random.IntN(len(devices))])
			}
		}
		for _, e := range allEvents(t, s) {
			state := states[e.Device]
			if deleted[e.Device] {
				t.Errorf("%d: %s after the device was deleted", e.Seq, e.Kind)
			}
			next := map[record.EventKind]protocol.Status{
				record.EventDeviceOnline: protocol.StatusOnline, record.EventDeviceSuspect: protocol.StatusSuspect,
				record.EventDeviceOffline: protocol.StatusOffline,
			}[e.Kind]
			if e.Kind == record.EventDeviceDeleted {
				deleted[e.Device] = true
			}
			if next == "" {
				continue
			}
			data := dataOf[record.PresenceEvent](t, e)
			if next == state.status || next == protocol.StatusSuspect && state.status != protocol.StatusOnline || data.Generation < state.generation {
				t.Errorf("%d: %s of generation %d after %s of %d", e.Seq, e.Kind, data.Generation, state.status, state.generation)
			}
			state.status, state.generation = next, data.Generation
		}
		present := map[protocol.DeviceID]protocol.Status{}
		for _, p := range must(s.Present(t.Context()))(t) {
			present[p.Device] = p.Status
		}
		for id, state := range states {
			want := state.status
			if want == protocol.StatusOffline {
				want = ""
			}
			if present[id] != want {
				t.Errorf("device %s: the store has %q, the events say %q", id, present[id], want)
			}
		}
	})
}
