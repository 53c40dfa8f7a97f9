package signal

import (
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

var (
	symmetric = &protocol.Network{Mapping: protocol.NATAddressAndPort, Filtering: protocol.NATAddressAndPort}
	blocked   = &protocol.Network{UDPBlocked: true}
)

func (s *stage) account(n int) record.Account { return s.row(sessionID(n)).Account }

func report(bytes uint64) *protocol.Stats { return &protocol.Stats{Media: true, Bytes: bytes} }

func TestAnAccountSurvivesTheHub(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		relay := pathOf(protocol.PathRelay, "relay", "relay", 120)
		d.post(protocol.TypePath, sessionID(1), &relay)
		v.post(protocol.TypePath, sessionID(1), &relay)
		s.until(t, "the path is kept", func() bool { return s.account(1).Numbered == 1 })
		if got := s.row(sessionID(1)).Path; got.Kind != protocol.PathRelay || got.AfterMS != 120 {
			t.Errorf("got the path %+v", got)
		}
		time.Sleep(20 * time.Second)
		d.post(protocol.TypeStats, sessionID(1), report(5000))
		time.Sleep(bookInterval + sweepInterval)
		if got := s.account(1); got.Bytes != 5000 {
			t.Errorf("%v after a report the store has %d bytes, want 5000", bookInterval, got.Bytes)
		}

		s.stop(t)
		time.Sleep(30 * time.Second)
		s.start(t)
		d, v = s.device(t, camera), s.viewer(t, nil)
		direct := pathOf(protocol.PathDirect, "mapped", "srflx", 60_000)
		for _, p := range []*peer{v, d} {
			p.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Owner: owner, Path: &direct, ICEConnected: true, Last: true})
		}
		s.until(t, "the upgrade is kept", func() bool { return s.account(1).Numbered == 2 })
		d.post(protocol.TypeStats, sessionID(1), report(9000))
		time.Sleep(5 * time.Second)
		v.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
		s.until(t, "the session has ended", func() bool { return !s.row(sessionID(1)).Ended.IsZero() })
		a := s.account(1)
		relayed, relayBytes := a.On(protocol.PathRelay)
		straight, directBytes := a.On(protocol.PathDirect)
		if whole := s.row(sessionID(1)).Ended.Sub(a.Changes[0].At); relayed+straight != whole || straight < 5*time.Second || straight > 6*time.Second {
			t.Errorf("got %v on the relay and %v direct of %v", relayed, straight, whole)
		}
		if relayBytes+directBytes != 9000 || relayBytes < 5000 || !a.Upgraded || a.DirectPath() != time.Minute {
			t.Errorf("got %d and %d bytes, upgraded %t after %v", relayBytes, directBytes, a.Upgraded, a.DirectPath())
		}
		if a.Tallied == nil || a.Tallied.Means != protocol.MeansMapped {
			t.Errorf("it counts as %+v, want mapped", a.Tallied)
		}
	})
}

func TestADeviceTellsTheRestWhenTheSessionIsOver(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		direct := pathOf(protocol.PathDirect, "ice", "host", 50)
		for n := 1; n <= 2; n++ {
			connect(v, d, n)
			v.post(protocol.TypePath, sessionID(n), &direct)
			s.until(t, "the path is kept", func() bool { return s.account(n).Numbered == 1 })
			time.Sleep(5 * time.Second)
			v.post(protocol.TypeClose, sessionID(n), &protocol.Close{Reason: protocol.ReasonViewerLeft})
			d.await(protocol.TypeClosed)
		}
		for _, p := range []*peer{v, d, d} { // whose it is not, whose it is, and once more
			p.post(protocol.TypeStats, sessionID(2), &protocol.Stats{Media: true, Bytes: 5000, Retransmitted: 3, Last: true})
		}
		time.Sleep(2 * sweepInterval)
		if a := s.account(2); a.Bytes != 5000 || a.Stretches[0].Bytes != 5000 || s.row(sessionID(2)).Reason != protocol.ReasonViewerLeft {
			t.Errorf("got %+v, want 5000 bytes", a)
		} else if q := a.Device.Quality; q.Retransmitted != 3 || !q.Last || !a.Viewer.Quality.Told.IsZero() {
			t.Errorf("got the quality %+v and %+v", q, a.Viewer.Quality)
		}
		time.Sleep(lateTime + sweepInterval)
		d.post(protocol.TypeStats, sessionID(1), report(7000))
		d.post(protocol.TypeStats, sessionID(2), report(7000))
		time.Sleep(2 * bookInterval)
		if one, two := s.account(1).Bytes, s.account(2).Bytes; one != 0 || two != 5000 {
			t.Errorf("too late: got %d and %d, want 0 and 5000", one, two)
		}
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		if len(s.hub.late) != 0 {
			t.Errorf("%d sessions are waited for", len(s.hub.late))
		}
	})
}

func TestAReportOfTwoEndsSettlesTheirPathAndOneAloneWaits(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		guess := pathOf(protocol.PathDirect, "ice", "prflx", 50)
		d.post(protocol.TypePath, sessionID(1), &guess)
		s.until(t, "the word is kept", func() bool { return len(s.account(1).Changes) == 1 })
		if got := s.row(sessionID(1)).Path; got != (protocol.Path{}) {
			t.Errorf("got the path %+v of a guess", got)
		}
		time.Sleep(settleTime + 2*sweepInterval)
		if got := s.row(sessionID(1)); got.Path.Kind != protocol.PathDirect || got.Account.Changes[0].Number != 1 {
			t.Errorf("got %+v, want the device's word taken", got.Account)
		}
		v.post(protocol.TypePath, sessionID(1), &protocol.Path{Kind: protocol.PathRelay, Means: protocol.MeansRelay})
		s.until(t, "the viewer's word is kept", func() bool { return s.row(sessionID(1)).Path.Kind == protocol.PathRelay })
	})
}

func TestNetworksAreKeptWithTheDeviceAndTheSession(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		d.post(protocol.TypeNetwork, "", symmetric)
		s.until(t, "the hub knows the device's", func() bool { _, ok := s.hub.Network(camera); return ok })
		connect(v, d, 1)
		v.post(protocol.TypeNetwork, sessionID(1), blocked)
		time.Sleep(2*bookInterval + sweepInterval)
		a := s.account(1)
		if device, viewer := a.Networks(); device != *symmetric || viewer != *blocked || a.Policy != protocol.PathPreferDirect {
			t.Errorf("got %+v and %+v under %s", device, viewer, a.Policy)
		}
		if got, _ := s.Device(t.Context(), camera); got.Network == nil || *got.Network != *symmetric {
			t.Errorf("the store has %+v", got.Network)
		}
		d.post(protocol.TypeNetwork, "", blocked) // it has moved
		s.until(t, "the hub knows that it moved", func() bool { n, _ := s.hub.Network(camera); return n.Network == *blocked })
		v.open(2)
		d.await(protocol.TypeInvite)
		time.Sleep(2*bookInterval + sweepInterval)
		for n := 1; n <= 2; n++ {
			a := s.account(n)
			if device, viewer := a.Networks(); device != *blocked || viewer != *blocked {
				t.Errorf("session %d: got %+v and %+v", n, device, viewer)
			}
		}

		// Whose it is not: nothing of it is kept, and it is said.
		for p, session := range map[*peer]protocol.SessionID{d: sessionID(1), v: ""} {
			p.post(protocol.TypeNetwork, session, symmetric)
			if got := body[*protocol.Error](t, p.await(protocol.TypeError)); got.Code != protocol.CodeBadMessage {
				t.Errorf("got %s, want bad_message", got.Code)
			}
		}
		stranger := s.viewer(t, nil)
		stranger.post(protocol.TypeNetwork, sessionID(1), symmetric)
		time.Sleep(2*bookInterval + sweepInterval)
		a = s.account(1)
		if _, viewer := a.Networks(); viewer != *blocked {
			t.Errorf("another viewer's word is taken: %+v", viewer)
		}
		s.stop(t)
		s.start(t)
		s.device(t, camera)
		if n, ok := s.hub.Network(camera); !ok || n.Network != *blocked {
			t.Errorf("a hub that starts knows %+v, %t", n, ok)
		}
	})
}

func TestWhatTheStoreDoesNotTakeIsKeptLater(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		direct := pathOf(protocol.PathDirect, "ice", "host", 50)
		s.until(t, "the answer is kept", func() bool { return !s.row(sessionID(1)).Answered.IsZero() })
		s.hold(func(record.Session) error { return protocol.Errorf(protocol.CodeInternal, "the disk is full") })
		v.post(protocol.TypePath, sessionID(1), &direct)
		time.Sleep(time.Second)
		s.hold(nil)
		time.Sleep(2 * bookInterval)
		if got := s.account(1); got.Numbered != 1 {
			t.Errorf("got %+v, want the path", got)
		}
	})
}

func TestMetricsCountSessionsByPath(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		for n, path := range []protocol.Path{
			pathOf(protocol.PathDirect, "mapped", "srflx", 80), pathOf(protocol.PathRelay, "relay", "relay", 900),
			pathOf(protocol.PathDirect, "means of a client's own", "host", 90),
		} {
			connect(v, d, n+1)
			v.post(protocol.TypePath, sessionID(n+1), &path)
			s.until(t, "the path is kept", func() bool { return s.account(n+1).Numbered == 1 })
		}
		connect(v, d, 9)
		registry := prometheus.NewPedanticRegistry()
		registry.MustRegister(s.hub.Collectors()...)
		wantFigures(t, registry, map[string]float64{
			"sightline_session_paths mapped direct": 1, "sightline_session_paths relay relay": 1,
			"sightline_session_paths other direct": 1, "sightline_session_paths none none": 1,
			"sightline_session_paths ice direct": 0, "sightline_sessions_ended_total relay relay": 0,
			"sightline_first_path_seconds": 3, "sightline_direct_path_seconds": 2,
		})
		v.post(protocol.TypeClose, sessionID(2), &protocol.Close{Reason: protocol.ReasonViewerLeft})
		v.post(protocol.TypeClose, sessionID(9), &protocol.Close{Reason: protocol.ReasonICEFailed})
		v.await(protocol.TypeClosed)
		v.await(protocol.TypeClosed)
		wantFigures(t, registry, map[string]float64{
			"sightline_sessions_ended_total relay relay": 1, "sightline_sessions_ended_total none none": 1, "sightline_session_paths relay relay": 0,
		})
	})
}

// wantFigures compares values by name and label values; of a histogram the count.
func wantFigures(t *testing.T, registry *prometheus.Registry, want map[string]float64) {
	t.Helper()
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, family := range families {
		for _, m := range family.GetMetric() {
			key := family.GetName()
			for _, label := range m.GetLabel() {
				key += " " + label.GetValue()
			}
			got[key] = m.GetCounter().GetValue() + m.GetGauge().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	for key, value := range want {
		if got[key] != value {
			t.Errorf("%s: got %v, want %v", key, got[key], value)
		}
	}
	if len(got) > 28 { // labels come from short lists
		t.Errorf("got %d figures: %v", len(got), got)
	}
}
