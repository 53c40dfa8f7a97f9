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

// march is every day of the tests.
var march = record.PathFilter{From: "2026-03-01", To: "2026-03-31", Group: record.GroupNone}

func grouped(by record.PathGroup, device protocol.DeviceID) record.PathFilter {
	f := march
	f.Group, f.Device = by, device
	return f
}

func usageOf(t *testing.T, s *Store, f record.PathFilter) []record.PathUsage {
	t.Helper()
	list, next, err := s.PathUsage(t.Context(), protocol.DefaultProject, f, "", 0)
	if err != nil || next != "" {
		t.Fatalf("got %v and %q", err, next)
	}
	return list
}

// went is the account of a session on one path, of the first version.
func went(day string, means protocol.Means, seconds int, bytes uint64) record.Account {
	kind := protocol.PathDirect
	if means == protocol.MeansRelay {
		kind = protocol.PathRelay
	}
	return record.Account{
		Version: 1, Kind: kind, Means: means, Numbered: 1, Bytes: bytes,
		Changes: []record.PathChange{{
			At: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC), By: protocol.RoleViewer, Kind: kind, Means: means, Number: 1,
			Path: protocol.Path{Kind: kind, Means: means, Local: "host", Remote: "srflx", Protocol: "udp", AfterMS: 80},
		}},
		Stretches: []record.Stretch{{Day: day, Means: means, Time: time.Duration(seconds) * time.Second, Bytes: bytes}},
		Tallied:   &record.Tally{Day: day, Means: means},
	}
}

func saveSession(t *testing.T, s *Store, session record.Session) {
	t.Helper()
	if err := s.Sessions().Save(t.Context(), session); err != nil {
		t.Fatal(err)
	}
}

func TestAnAccountComesBackAndListsLeaveItOut(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		session.Account = went("2026-03-01", protocol.MeansMapped, 10, 5000)
		session.Account.Policy, session.Account.Relayed, session.Account.Until = protocol.PathPreferDirect, c.now(), c.now()
		session.Account.Device = record.End{
			Path: session.Account.Changes[0].Path, Told: c.now(), First: time.Second, Bytes: 5000,
			Network: &protocol.Network{Mapping: protocol.NATAddressAndPort, PortMapping: protocol.PortMappingPCP},
		}
		session.Account.Uncounted = session.Account.Stretches
		saveSession(t, s, session)
		if diff := cmp.Diff(session, must(s.Sessions().Get(t.Context(), session.Project, session.ID))(t)); diff != "" {
			t.Errorf("session differs:\n%s", diff)
		}
		if diff := cmp.Diff([]record.Session{session}, must(s.Sessions().Open(t.Context()))(t)); diff != "" {
			t.Errorf("open session differs:\n%s", diff)
		}
		list, _, err := s.Sessions().List(t.Context(), session.Project, record.SessionFilter{}, "", 0)
		session.Account = record.Account{}
		if diff := cmp.Diff([]record.Session{session}, list); diff != "" || err != nil {
			t.Errorf("listed session differs: %v\n%s", err, diff)
		}
	})
}

func TestAnOlderAccountChangesNothing(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		session.Account = went("2026-03-01", protocol.MeansICE, 10, 5000)
		session.Account.Version = 2
		saveSession(t, s, session)
		older, unknown, ended := session, newSession(t, c, "cam"), newSession(t, c, "cam")
		older.Account = went("2026-03-01", protocol.MeansICE, 4, 100)
		unknown.Account = older.Account
		ended.Account = older.Account
		ended.Ended, ended.Reason = c.now(), protocol.ReasonViewerLeft
		saveSession(t, s, ended)
		late := ended
		late.Account = went("2026-03-01", protocol.MeansICE, 50, 5000)
		late.Account.Version = 7 // its device told more when it had ended
		for range 2 {
			if err := s.Sessions().SaveAccounts(t.Context(), []record.Session{older, session, unknown, late}); err != nil {
				t.Fatal(err)
			}
			saveSession(t, s, older)
		}
		want := []record.PathUsage{{Means: protocol.MeansICE, Sessions: 2, Time: 60 * time.Second, Bytes: 10000}}
		if diff := cmp.Diff(want, usageOf(t, s, march)); diff != "" {
			t.Errorf("usage differs:\n%s", diff)
		}
		if got := must(s.Events(t.Context(), protocol.DefaultProject, paths, 0))(t); len(got) != 2 {
			t.Errorf("got %d events of paths, want one of each session", len(got))
		}
	})
}

func TestASessionCountsOnceUnderItsNewestPath(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		session.Account = went("2026-03-01", protocol.MeansRelay, 10, 1000)
		saveSession(t, s, session)
		session.Account = session.Account.Clone()
		a := &session.Account
		a.Version, a.Kind, a.Means, a.Numbered, a.Tallied = 2, protocol.PathDirect, protocol.MeansMapped, 2, &record.Tally{Day: "2026-03-01", Means: "mapped"}
		a.Stretches = append(a.Stretches,
			record.Stretch{Day: "2026-03-01", Means: "mapped", Beyond: true, Time: 20 * time.Second, Bytes: 2000},
			record.Stretch{Day: "2026-03-02", Means: "mapped", Beyond: true, Time: 30 * time.Second, Bytes: 3000},
		)
		saveSession(t, s, session)
		pathless := newSession(t, c, "garden")
		pathless.Account = record.Account{Version: 1, Tallied: &record.Tally{Day: "2026-03-02"}}
		saveSession(t, s, pathless)

		mapped := record.PathUsage{
			Means: "mapped", Sessions: 1, Time: 50 * time.Second, Bytes: 5000, BeyondTime: 50 * time.Second, BeyondBytes: 5000,
		}
		relay := record.PathUsage{Means: "relay", Time: 10 * time.Second, Bytes: 1000}
		want := []record.PathUsage{{Sessions: 1}, mapped, relay}
		if diff := cmp.Diff(want, usageOf(t, s, march)); diff != "" {
			t.Errorf("of the project:\n%s", diff)
		}
		if diff := cmp.Diff([]record.PathUsage{mapped, relay}, usageOf(t, s, grouped(record.GroupNone, "cam"))); diff != "" {
			t.Errorf("of a device:\n%s", diff)
		}
		days := usageOf(t, s, grouped(record.GroupDay, "cam"))
		for i, want := range []struct {
			day   string
			means protocol.Means
			bytes uint64
		}{{"2026-03-01", "mapped", 2000}, {"2026-03-01", "relay", 1000}, {"2026-03-02", "mapped", 3000}} {
			if got := days[i]; got.Day != want.day || got.Means != want.means || got.Bytes != want.bytes {
				t.Errorf("day %d: got %+v, want %+v", i, got, want)
			}
		}
		second := march
		second.From = "2026-03-02"
		if got := usageOf(t, s, second); len(got) != 2 || got[0].Sessions != 1 || got[1].Sessions != 0 || got[1].Bytes != 3000 {
			t.Errorf("of the second day: got %+v", got)
		}
	})
}

func TestUsageOfDevicesComesInPages(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		must(s.CreateProject(t.Context(), "acme", ""))(t)
		for i := range 5 {
			for _, means := range []protocol.Means{"ice", "tcp"} {
				session := newSession(t, c, protocol.DeviceID(fmt.Sprintf("cam%d", i)))
				session.Account = went("2026-03-02", means, 10, 100)
				saveSession(t, s, session)
			}
		}
		foreign := newSession(t, c, "cam9")
		foreign.Project, foreign.Account = "acme", went("2026-03-02", "ice", 10, 100)
		saveSession(t, s, foreign)
		var seen []protocol.DeviceID
		cursor := ""
		for pages := 1; ; pages++ {
			list, next, err := s.PathUsage(t.Context(), protocol.DefaultProject, grouped(record.GroupDevice, ""), cursor, 2)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range list {
				if u.Sessions != 1 || u.Bytes != 100 || u.Day != "" {
					t.Errorf("got %+v", u)
				}
				seen = append(seen, u.Device)
			}
			if next == "" {
				if pages != 3 {
					t.Errorf("got %d pages, want 3", pages)
				}
				break
			}
			cursor = next
		}
		want := []protocol.DeviceID{"cam0", "cam0", "cam1", "cam1", "cam2", "cam2", "cam3", "cam3", "cam4", "cam4"}
		if diff := cmp.Diff(want, seen); diff != "" {
			t.Errorf("devices differ:\n%s", diff)
		}
		if got := usageOf(t, s, grouped(record.GroupDevice, "cam9")); len(got) != 0 {
			t.Errorf("another project's device has %+v here", got)
		}
		if got := usageOf(t, s, grouped(record.GroupDevice, "cam3")); len(got) != 2 || got[0].Device != "cam3" {
			t.Errorf("of one device: got %+v", got)
		}
	})
}

func TestTheRelaysOwnCountIsOfTheDeviceOnceThatIsKnown(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		early := newUsage("a", session.ViewerGrant, 10, c.now())
		early.Project = session.Project
		record1 := func(u record.Usage) {
			t.Helper()
			for range 2 {
				if err := s.Record(t.Context(), []record.Usage{u}); err != nil {
					t.Fatal(err)
				}
			}
		}
		record1(early)
		if got := usageOf(t, s, march); len(got) != 1 || got[0].RelayBytes != 30 {
			t.Errorf("of the project, before the session: got %+v, want 30 bytes", got)
		}
		saveSession(t, s, session)
		c.pass(12 * time.Hour) // midnight
		record1(newUsage("a", session.ViewerGrant, 100, c.now()))
		c.pass(time.Second)
		record1(newUsage("a", session.ViewerGrant, 110, c.now()))
		nobodys := newUsage("b", newGrant(), 1, c.now())
		nobodys.Project = session.Project
		record1(nobodys)
		for _, test := range []struct {
			filter record.PathFilter
			want   []uint64
		}{
			{march, []uint64{333}},
			{grouped(record.GroupDay, ""), []uint64{30, 303}},
			{grouped(record.GroupDevice, ""), []uint64{330}},
		} {
			var got []uint64
			for _, u := range usageOf(t, s, test.filter) {
				got = append(got, u.RelayBytes)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("%+v:\n%s", test.filter, diff)
			}
		}
	})
}

// TestWhatIsSummedUpIsTheSumOfTheAccounts saves random accounts again and again, old ones too, with the store opened anew in
// between, and prunes the sessions in the end.
func TestWhatIsSummedUpIsTheSumOfTheAccounts(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		s := open(t, at, c)
		random := rand.New(rand.NewPCG(1, 2))
		const sessions = 6
		newest, kept := make([]record.Session, sessions), make([][]record.Session, sessions)
		for i := range newest {
			newest[i] = newSession(t, c, protocol.DeviceID([]string{"a", "b"}[i%2]))
			newest[i].Account.Version = 1
		}
		for step := range 400 {
			i := random.IntN(sessions)
			session := &newest[i]
			switch random.IntN(4) {
			case 0, 1:
				session.Account = session.Account.Clone()
				a := &session.Account
				a.Version++
				means := record.Means[random.IntN(len(record.Means))]
				day := record.DayOf(c.now().Add(time.Duration(step) * time.Hour))
				a.Stretches = append(a.Stretches, record.Stretch{
					Day: day, Means: means, Beyond: random.IntN(2) == 0,
					Time: time.Duration(random.IntN(1e10)), Bytes: random.Uint64N(1e6),
				})
				a.Stretches = merged(a.Stretches)
				a.Tallied = &record.Tally{Day: "2026-03-01", Means: means}
				kept[i] = append(kept[i], *session)
			case 2:
				saveSession(t, s, *session)
			case 3:
				if len(kept[i]) > 0 {
					old := kept[i][random.IntN(len(kept[i]))]
					if err := s.Sessions().SaveAccounts(t.Context(), []record.Session{old, *session, old}); err != nil {
						t.Fatal(err)
					}
				}
			}
			if step%100 == 99 {
				s = open(t, at, c)
			}
		}
		want := map[string]record.PathUsage{}
		for _, session := range newest {
			session.Ended, session.Reason = c.now(), protocol.ReasonViewerLeft
			session.Account.Version++
			saveSession(t, s, session)
			for _, stretch := range session.Account.Stretches {
				for _, key := range []string{string(session.Device), ""} {
					key += "/" + string(stretch.Means)
					u := want[key]
					u.Time += stretch.Time.Truncate(time.Millisecond)
					u.Bytes += stretch.Bytes
					if stretch.Beyond {
						u.BeyondTime += stretch.Time.Truncate(time.Millisecond)
						u.BeyondBytes += stretch.Bytes
					}
					want[key] = u
				}
			}
			for _, key := range []string{string(session.Device), ""} {
				key += "/" + string(session.Account.Tallied.Means)
				u := want[key]
				u.Sessions++
				want[key] = u
			}
		}
		c.pass(SessionLife + time.Hour)
		if got := must(s.Prune(t.Context()))(t); got != sessions {
			t.Errorf("pruned %d sessions, want %d", got, sessions)
		}
		got := map[string]record.PathUsage{}
		for _, f := range []record.PathFilter{march, grouped(record.GroupDevice, "")} {
			for _, u := range usageOf(t, s, f) {
				key := string(u.Device) + "/" + string(u.Means)
				u.Device, u.Means = "", ""
				got[key] = u
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("summed up (-want +got):\n%s", diff)
		}
		c.pass(PathLife)
		must(s.Prune(t.Context()))(t)
		if got := usageOf(t, s, march); len(got) != 0 {
			t.Errorf("after %v: got %+v", PathLife, got)
		}
	})
}

// merged has one stretch of each day, means and kind.
func merged(list []record.Stretch) []record.Stretch {
	type key struct {
		day    string
		means  protocol.Means
		beyond bool
	}
	at := map[key]int{}
	var out []record.Stretch
	for _, s := range list {
		k := key{s.Day, s.Means, s.Beyond}
		if i, ok := at[k]; ok {
			out[i].Time += s.Time
			out[i].Bytes += s.Bytes
			continue
		}
		at[k] = len(out)
		out = append(out, s)
	}
	return out
}

// paths chooses the events of sessions' paths.
var paths = record.EventFilter{Kinds: []record.EventKind{record.EventSessionPath}}

func TestEventsAreWrittenWithTheirChangeAndNumberedByProject(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		must(s.CreateProject(t.Context(), "acme", ""))(t)
		session, foreign := newSession(t, c, "cam"), newSession(t, c, "cam9")
		foreign.Project = "acme"
		session.Account = went("2026-03-01", protocol.MeansRelay, 1, 1)
		session.Account.Device.Network = &protocol.Network{UDPBlocked: true}
		foreign.Account = went("2026-03-01", protocol.MeansICE, 1, 1)
		taken := newSession(t, c, "cam")
		taken.ViewerGrant, taken.Account = session.ViewerGrant, went("2026-03-01", protocol.MeansICE, 1, 1)
		saveSession(t, s, session)
		saveSession(t, s, foreign)
		wantCode(t, s.Sessions().Save(t.Context(), taken), protocol.CodeConflict) // and nothing of it is told
		session.Account = session.Account.Clone()
		a := &session.Account
		a.Version, a.Numbered = 2, 2
		told := record.PathChange{At: c.now(), By: protocol.RoleDevice, Kind: protocol.PathRelay, Means: protocol.MeansRelay}
		direct := record.PathChange{At: c.now(), By: protocol.RoleDevice, Kind: protocol.PathDirect, Means: "mapped", Number: 2}
		a.Changes = append(a.Changes, told, direct)
		saveSession(t, s, session)

		list := must(s.Events(t.Context(), protocol.DefaultProject, paths, 0))(t) // after opened and live
		if len(list) != 2 || list[0].Seq != 3 || list[1].Seq != 4 || list[0].ID == "" || list[0].ID == list[1].ID {
			t.Fatalf("got %+v, want two in order", list)
		}
		var first, second record.PathEvent
		if err := json.Unmarshal(list[0].Data, &first); err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(list[1].Data, &second); err != nil {
			t.Fatal(err)
		}
		want := record.PathEvent{
			Number: 1, Path: "relay", Means: "relay", By: "viewer", Local: "host", Remote: "srflx", Protocol: "udp", AfterMS: 80,
			RelayReason: "device_udp_blocked",
		}
		if diff := cmp.Diff(want, first); diff != "" {
			t.Errorf("the first differs:\n%s", diff)
		}
		if e := list[1]; second.Means != "mapped" || second.RelayReason != "" || e.Kind != record.EventSessionPath || e.Session != session.ID || e.Device != "cam" {
			t.Errorf("got %+v with %+v", e, second)
		}
		for _, test := range []struct {
			filter record.EventFilter
			limit  int
			want   int
		}{
			{record.EventFilter{After: 1}, 0, 3},
			{record.EventFilter{After: 4}, 0, 0},
			{record.EventFilter{}, 1, 1},
			{record.EventFilter{Kinds: []record.EventKind{"device.online"}}, 0, 0},
			{record.EventFilter{Kinds: []record.EventKind{"device.online", record.EventSessionPath}}, 0, 2},
		} {
			if got := must(s.Events(t.Context(), protocol.DefaultProject, test.filter, test.limit))(t); len(got) != test.want {
				t.Errorf("%+v: got %d events, want %d", test.filter, len(got), test.want)
			}
		}
		if got := must(s.Events(t.Context(), "acme", paths, 0))(t); len(got) != 1 || got[0].Seq != 3 {
			t.Errorf("of the other project: got %+v, want one with a number of its own", got)
		}
	})
}

func TestEventsAreBoundedAndKeepTheirNumbers(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		session := newSession(t, c, "cam")
		session.Account = record.Account{Version: 1}
		for n := range 2 * maxPathEvents {
			session.Account.Changes = append(session.Account.Changes, record.PathChange{At: c.now(), Number: n + 1})
		}
		saveSession(t, s, session)
		if got := must(s.Events(t.Context(), protocol.DefaultProject, paths, 0))(t); len(got) != maxPathEvents {
			t.Errorf("got %d events of one session, want %d", len(got), maxPathEvents)
		}
		if _, err := s.change(t.Context(), `UPDATE projects SET events = ?`, MaxEvents+10); err != nil {
			t.Fatal(err)
		}
		must(s.Prune(t.Context()))(t)
		if got := must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{}, 0))(t); len(got) != maxPathEvents+2-10 || got[0].Seq != 11 {
			t.Errorf("got %d events, want those after the tenth", len(got))
		}
		session.Ended, session.Reason = c.now(), protocol.ReasonViewerLeft
		saveSession(t, s, session)
		c.pass(EventLife + time.Second)
		must(s.Prune(t.Context()))(t)
		if got := must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{}, 0))(t); len(got) != 0 {
			t.Errorf("got %d old events", len(got))
		}
		next := newSession(t, c, "cam")
		next.Account = went("2026-03-31", protocol.MeansICE, 1, 1)
		next.Account.Changes[0].At = c.now()
		saveSession(t, s, next)
		if got := must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{}, 0))(t); len(got) != 3 || got[0].Seq != MaxEvents+12 {
			t.Errorf("got %+v, want the next number", got)
		}
	})
}

func TestANetworkIsKeptWithItsDevice(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		d := enrol(t, s, protocol.DefaultProject)
		if d := must(s.Device(t.Context(), d.ID))(t); d.Network != nil || !d.NetworkTold.IsZero() {
			t.Errorf("before it was told: got %+v", d)
		}
		want := protocol.Network{Mapping: protocol.NATAddressAndPort, PortStep: 2, MappingFault: protocol.MappingAbsent}
		told := []record.DeviceNetwork{{Device: d.ID, Network: want, Told: c.now()}, {Device: "none", Told: c.now()}}
		if err := s.SaveNetworks(t.Context(), told); err != nil {
			t.Fatal(err)
		}
		got := must(s.Device(t.Context(), d.ID))(t)
		if got.Network == nil || *got.Network != want || !got.NetworkTold.Equal(c.now()) {
			t.Errorf("got %+v at %v, want %+v", got.Network, got.NetworkTold, want)
		}
	})
}
