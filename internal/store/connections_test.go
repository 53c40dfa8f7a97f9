package store

import (
	"fmt"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var equalAddresses = cmpopts.EquateComparable(netip.Addr{})

// newConnection makes the n-th connection of a device, open.
func newConnection(c *clock, id protocol.DeviceID, n int) record.Connection {
	return record.Connection{
		ID: fmt.Sprintf("%s-%d", id, n), Device: id, Link: protocol.LinkID(fmt.Sprint(n)), Generation: uint64(n),
		Address: netip.MustParseAddr("2001:db8::1"), Transport: protocol.TransportWebSocket,
		Program: protocol.Client{Name: "agent", Version: "1.2", Model: "T1000"}, Opened: c.now(),
	}
}

func saveConnection(t *testing.T, s *Store, c record.Connection) {
	t.Helper()
	if err := s.SaveConnection(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestAConnectionComesBackAsItWentIn(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		d := enrol(t, s, protocol.DefaultProject)
		first, second := newConnection(c, d.ID, 1), newConnection(c, d.ID, 2)
		second.Address, second.Program = netip.Addr{}, protocol.Client{}
		second.Transport = protocol.TransportLongPoll
		second.Fallback = &protocol.Fallback{Reason: protocol.FallbackStatus, Detail: "HTTP 200 from nginx/1.18"}
		saveConnection(t, s, first)
		saveConnection(t, s, second)
		c.pass(time.Minute)
		first.Closed, first.Cause, first.Detail, first.Bye = c.now(), record.CauseBye, "the device said bye", true
		saveConnection(t, s, first)
		got := must(s.Connections(t.Context(), protocol.DefaultProject, d.ID))(t)
		if diff := cmp.Diff([]record.Connection{second, first}, got, equalAddresses); diff != "" {
			t.Errorf("connections differ:\n%s", diff)
		}
	})
}

func TestTheLastTwentyConnectionsOfEachDeviceAreKept(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		busy, calm := enrol(t, s, protocol.DefaultProject), enrol(t, s, protocol.DefaultProject)
		saveConnection(t, s, newConnection(c, calm.ID, 1))
		for n := range 3 * MaxConnections {
			saveConnection(t, s, newConnection(c, busy.ID, n)) // at one time: their generation orders them
		}
		late := newConnection(c, busy.ID, 0)
		late.Closed, late.Cause = c.now(), record.CauseLost
		saveConnection(t, s, late) // it ended after it was forgotten

		list := must(s.Connections(t.Context(), protocol.DefaultProject, busy.ID))(t)
		if len(list) != MaxConnections || list[0].Generation != 3*MaxConnections-1 || list[MaxConnections-1].Generation != 2*MaxConnections {
			t.Errorf("got %+v, want the newest %d, the newest first", list, MaxConnections)
		}
		if list := must(s.Connections(t.Context(), protocol.DefaultProject, calm.ID))(t); len(list) != 1 {
			t.Errorf("another device has %d connections, want 1", len(list))
		}
		rows := must(all(t.Context(), s.reader, scanText, `SELECT id FROM connections`))(t)
		if got, want := len(rows), MaxConnections+1; got != want {
			t.Errorf("got %d rows, want %d", got, want)
		}
	})
}

func TestConnectionsOfACrashedProcessAreClosedOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		s := open(t, at, c)
		d := enrol(t, s, protocol.DefaultProject)
		closed, lost := newConnection(c, d.ID, 1), newConnection(c, d.ID, 2)
		closed.Closed, closed.Cause = c.now(), record.CauseSilent
		saveConnection(t, s, closed)
		saveConnection(t, s, lost)

		next := open(t, at, c)
		c.pass(time.Hour)
		lost.Closed, lost.Cause = c.now(), record.CauseHubLost
		for range 2 {
			if err := next.LoseConnections(t.Context()); err != nil {
				t.Fatal(err)
			}
			got := must(next.Connections(t.Context(), protocol.DefaultProject, d.ID))(t)
			if diff := cmp.Diff([]record.Connection{lost, closed}, got, equalAddresses, cmpopts.IgnoreFields(record.Connection{}, "Detail")); diff != "" {
				t.Errorf("connections differ:\n%s", diff)
			}
			if got[0].Detail == "" {
				t.Error("the cause has no words")
			}
			c.pass(time.Minute)
		}
	})
}

func TestConnectionsEndTogether(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		one, two := enrol(t, s, protocol.DefaultProject), enrol(t, s, protocol.DefaultProject)
		ended := []record.Connection{newConnection(c, one.ID, 1), newConnection(c, two.ID, 1)}
		open := newConnection(c, two.ID, 2)
		for _, connection := range append(ended, open) {
			saveConnection(t, s, connection)
		}
		c.pass(time.Minute)
		for i := range ended {
			ended[i].Closed, ended[i].Cause, ended[i].Detail = c.now(), record.CauseGoingAway, "the server is stopping"
		}
		unknown := newConnection(c, one.ID, 3)
		if err := s.EndConnections(t.Context(), append(ended, unknown)); err != nil {
			t.Fatal(err)
		}
		for id, want := range map[protocol.DeviceID][]record.Connection{one.ID: {ended[0]}, two.ID: {open, ended[1]}} {
			got := must(s.Connections(t.Context(), protocol.DefaultProject, id))(t)
			if diff := cmp.Diff(want, got, equalAddresses); diff != "" {
				t.Errorf("connections differ:\n%s", diff)
			}
			if d := must(s.Device(t.Context(), id))(t); !d.LastSeen.Equal(c.now()) {
				t.Errorf("the device was last seen at %v, want %v", d.LastSeen, c.now())
			}
		}
	})
}

func TestConnectionsAreShownToTheirProjectOnly(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		must(s.CreateProject(t.Context(), "acme", ""))(t)
		d := enrol(t, s, protocol.DefaultProject)
		saveConnection(t, s, newConnection(c, d.ID, 1))
		_, err := s.Connections(t.Context(), "acme", d.ID)
		wantCode(t, err, protocol.CodeNotFound)
		_, err = s.Connections(t.Context(), protocol.DefaultProject, "none")
		wantCode(t, err, protocol.CodeNotFound)
		if err := s.RevokeDevice(t.Context(), protocol.DefaultProject, d.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.Connections(t.Context(), protocol.DefaultProject, d.ID)
		wantCode(t, err, protocol.CodeNotFound)

		c.pass(SessionLife + time.Hour)
		must(s.Prune(t.Context()))(t)
		if rows := must(all(t.Context(), s.reader, scanText, `SELECT id FROM connections`))(t); len(rows) != 0 {
			t.Errorf("of a device that is long gone there are %v", rows)
		}
	})
}
