package signal

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestASessionEndsWhenItsTimeOnTheRelayIsOver(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.setPlan(record.Plan{Terms: record.Terms{MaxRelay: time.Minute}})
		d := s.device(t, camera)
		v := s.going(t, d, 1, protocol.PathRelay)
		row := s.row(sessionID(1))
		go40 := func() {
			t.Helper()
			for range 2 {
				time.Sleep(20 * time.Second)
				v.post(protocol.TypeStats, sessionID(1), &protocol.Stats{Media: true})
			}
			v.settled()
		}
		go40()
		v.post(protocol.TypePath, sessionID(1), &protocol.Path{Kind: protocol.PathDirect, Means: protocol.MeansICE})
		go40() // which do not count
		go40()
		v.post(protocol.TypePath, sessionID(1), &protocol.Path{Kind: protocol.PathRelay, Means: protocol.MeansRelay})
		v.settled()
		start := time.Now()
		for _, end := range []*peer{v, d} {
			if got := body[*protocol.Closed](t, end.await(protocol.TypeClosed)).Reason; got != protocol.ReasonQuota {
				t.Errorf("got %s, want quota", got)
			}
		}
		if took := time.Since(start); took < 18*time.Second || took > 22*time.Second {
			t.Errorf("after 40 s on the relay it went on for %v, want 20 s", took)
		}
		s.until(t, "the relay is closed", func() bool { return s.hasEnded(row.ViewerGrant) && s.hasEnded(row.DeviceGrant) })
		if got := s.hub.Quota(); got != (Quota{Overtime: 1}) {
			t.Errorf("got %+v", got)
		}
	})
}

func TestASessionThatTellsNoPathIsTakenToBeRelayed(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.setPlan(record.Plan{Terms: record.Terms{MaxRelay: time.Minute}})
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		start := time.Now()
		v.await(protocol.TypeClosed)
		if took := time.Since(start); took < time.Minute || took > pathGrace+time.Minute+5*time.Second {
			t.Errorf("it ended after %v, want %v more than a minute", took, pathGrace)
		}
	})
}

func TestALimitThatComesLateCountsTheTimeBefore(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		v := s.going(t, d, 1, protocol.PathRelay)
		time.Sleep(100 * time.Second)
		s.replan(t, record.Plan{Terms: record.Terms{MaxRelay: 90 * time.Second}})
		start := time.Now()
		v.await(protocol.TypeClosed)
		if took := time.Since(start); took > 2*time.Second {
			t.Errorf("it went on for %v", took)
		}
	})
}

func TestAnEndMayCountTheTimeOnTheRelayItself(t *testing.T) {
	for name, test := range map[string]struct {
		limit   time.Duration
		device  bool
		elapsed time.Duration
		want    protocol.Reason
	}{
		"a device":                   {time.Minute, true, 0, protocol.ReasonQuota},
		"a device without a limit":   {0, true, time.Minute, protocol.ReasonDeviceLeft},
		"a viewer at the end":        {time.Minute, false, 57 * time.Second, protocol.ReasonQuota},
		"a viewer, long before that": {time.Minute, false, 30 * time.Second, protocol.ReasonViewerLeft},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, nil, func(t *testing.T, s *stage) {
				s.setPlan(record.Plan{Terms: record.Terms{MaxRelay: test.limit}})
				d := s.device(t, camera)
				v := s.going(t, d, 1, protocol.PathRelay)
				time.Sleep(test.elapsed)
				by, other := v, d
				if test.device {
					by, other = d, v
				}
				by.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonQuota})
				if got := body[*protocol.Closed](t, other.await(protocol.TypeClosed)).Reason; got != test.want {
					t.Errorf("got %s, want %s", got, test.want)
				}
			})
		})
	}
}
