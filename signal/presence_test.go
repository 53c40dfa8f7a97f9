package signal

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// wantTold checks what was told of a device's presence, in a word each.
func wantTold(t *testing.T, s *stage, id protocol.DeviceID, want ...protocol.Status) []record.Presence {
	t.Helper()
	told := s.toldOf(id)
	var got []protocol.Status
	for _, p := range told {
		got = append(got, p.Status)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Fatalf("what was told differs:\n%s", diff)
	}
	return told
}

const (
	online  = protocol.StatusOnline
	suspect = protocol.StatusSuspect
	offline = protocol.StatusOffline
)

// goodbye lets a device say that it goes.
func (s *stage) goodbye(t *testing.T, d *peer) {
	t.Helper()
	d.send(protocol.Envelope{Type: protocol.TypeBye})
	s.until(t, "the device is offline", func() bool { return s.hub.Presence(camera).Status == offline })
}

func TestADeviceIsToldOnlineAtOnceAndAwayOnceItHasHeld(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		start := time.Now()
		d := s.device(t, camera)
		s.until(t, "it is told", func() bool { return len(s.toldOf(camera)) == 1 })
		if p := s.toldOf(camera)[0]; p.Status != online || p.Generation != 1 || p.Transport == "" || time.Since(start) > time.Second {
			t.Errorf("got %+v after %s", p, time.Since(start))
		}
		time.Sleep(steadyTime)
		s.suspect(t, d)
		lost := time.Now()
		time.Sleep(protocol.SuspectWindow + 2*sweepInterval)
		told := wantTold(t, s, camera, online, suspect, offline)
		for i, after := range []time.Duration{flapTime, protocol.SuspectWindow} {
			p := told[1+i]
			if wait := p.At.Sub(lost); wait < after-time.Millisecond || wait > after+2*sweepInterval || lost.Sub(p.Since) > time.Millisecond || p.Cause != record.CauseLost {
				t.Errorf("got %+v %s after the loss, want it after %s", p, wait, after)
			}
		}
	})
}

func TestFlapsAreNotTold(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		for range 3 {
			time.Sleep(steadyTime)
			s.suspect(t, d)
			time.Sleep(flapTime - 2*time.Second)
			d = d.back(s.deviceHello(t, camera)) // the same link
			time.Sleep(time.Second)
			s.goodbye(t, d)
			time.Sleep(flapTime - 2*time.Second)
			d = s.device(t, camera) // another one
		}
		time.Sleep(steadyTime)
		wantTold(t, s, camera, online)
	})
}

func TestADeviceThatComesAndGoesIsToldOnlineOnceAMinute(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		start := time.Now()
		for time.Since(start) < 10*time.Minute {
			d := s.device(t, camera)
			time.Sleep(2 * time.Second)
			s.goodbye(t, d)
			time.Sleep(8 * time.Second)
		}
		if n := len(s.toldOf(camera)); n < 16 || n > 20 {
			t.Errorf("%d events of 60 short visits in ten minutes, want two for each minute at most", n)
		}
		d := s.device(t, camera) // to stay
		time.Sleep(flapTime + 2*sweepInterval)
		told := s.toldOf(camera)
		if told[len(told)-1].Status != online {
			t.Error("the device is online and was not told so")
		}
		d.hangUp()
	})
}

func TestARestartTellsOnlyOfThoseWhoDoNotComeBack(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.device(t, camera)
		s.device(t, other)
		time.Sleep(steadyTime)
		s.restart(t)
		restarted := time.Now()
		time.Sleep(s.hub.config.DrainDeadline)
		s.device(t, camera)
		time.Sleep(protocol.SuspectWindow + steadyTime)
		wantTold(t, s, camera, online)
		told := wantTold(t, s, other, online, offline)
		if p := told[1]; p.Cause != record.CauseHubLost || p.Generation != 1 || p.Since.After(restarted) || p.At.Sub(restarted) < s.hub.config.DrainDeadline {
			t.Errorf("got %+v, want it told offline since the hub ended at %s", p, restarted)
		}
		if h := s.hub.Presence(other); h.Status != offline || !h.Since.IsZero() {
			t.Errorf("the hub says %+v of a device that it has not seen", h)
		}
		time.Sleep(time.Minute)
		s.device(t, other)
		time.Sleep(sweepInterval)
		wantTold(t, s, other, online, offline, online)
	})
}

func TestAHubThatDiedDoesNotKnowWhenItsDevicesWereSeenLast(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		s.device(t, camera)
		time.Sleep(time.Hour)
		died := New(s.config) // another process finds the store as it is
		if err := died.Load(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := died.devices[camera].telling.expected
		if e == nil || !e.seen.Equal(time.Now().UTC()) || e.generation != 1 {
			t.Errorf("got %+v, want it seen until now", e)
		}
	})
}

func TestWhatTheStoreDoesNotTakeIsToldWhenItDoes(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		fail := func(err error) {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.unsaved = err
		}
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		time.Sleep(steadyTime)
		errDown := errors.New("the database is away")
		fail(errDown)
		s.hold(func(record.Session) error { return errDown })
		s.suspect(t, d)
		time.Sleep(protocol.SuspectWindow / 2)
		v.post(protocol.TypeClose, sessionID(1), &protocol.Close{Reason: protocol.ReasonViewerLeft})
		time.Sleep(protocol.SuspectWindow)
		wantTold(t, s, camera, online)
		if !s.row(sessionID(1)).Ended.IsZero() {
			t.Fatal("the store was to fail")
		}
		fail(nil)
		s.hold(nil)
		time.Sleep(2 * sweepInterval)
		wantTold(t, s, camera, online, offline) // it is not suspect any more
		if row := s.row(sessionID(1)); row.Reason != protocol.ReasonViewerLeft {
			t.Errorf("the session ended as %q, want viewer_left", row.Reason)
		}
		time.Sleep(steadyTime + protocol.SuspectWindow)
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		if n, m := len(s.hub.untold), len(s.hub.unkept); n+m != 0 {
			t.Errorf("%d devices and %d sessions wait to be told", n, m)
		}
	})
}

func TestTwoBoxesWithOneKeyRaiseAnAlert(t *testing.T) {
	s := onSockets(t, nil)
	first, second := s.device(t, camera), s.device(t, camera)
	first.closed()
	for range 3 {
		again := s.dial(t)
		checkRefusal(t, again.greet(first.resuming(s.deviceHello(t, camera))), protocol.CodeSuperseded, protocol.CloseSuperseded)
	}
	alerts := func() []record.Alert {
		s.mu.Lock()
		defer s.mu.Unlock()
		return s.alerts
	}
	s.until(t, "the alert is told", func() bool { return len(alerts()) > 0 })
	if got := alerts(); len(got) != 1 || got[0].Device != camera || got[0].Kind != record.AlertDuplicateKey {
		t.Errorf("got %+v, want one alert", got)
	}
	second.hangUp()
}

// manyDevices makes that many of them known to a hub, online or not.
func manyDevices(s *stage, n int, status protocol.Status) []protocol.DeviceID {
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	ids := make([]protocol.DeviceID, n)
	for i := range ids {
		ids[i] = protocol.DeviceID(fmt.Sprintf("camera %d", i))
		d := s.hub.deviceLocked(ids[i])
		d.generation++
		s.hub.setStatusLocked(d, status, time.Now())
	}
	return ids
}

func TestTenThousandDevicesAreToldInFewWritesAndTheirReturnInNone(t *testing.T) {
	const devices = 10_000
	s := newStage(t, nil)
	s.hub = New(s.config)
	manyDevices(s, devices, online)
	writes := 0
	for s.hub.tell(t.Context(), time.Now()) {
		writes++
	}
	if len(s.told) != devices || writes != devices/atOnce {
		t.Errorf("%d were told in %d writes, want all in %d", len(s.told), writes, devices/atOnce)
	}
	s.hub = New(s.config) // the next process
	if err := s.hub.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	manyDevices(s, devices-1, online)
	s.hub.tell(t.Context(), time.Now())
	if len(s.told) != devices || len(s.hub.untold) != 1 {
		t.Errorf("%d events after the restart, %d devices untold; want none and one", len(s.told)-devices, len(s.hub.untold))
	}
	later := time.Now().Add(s.hub.config.DrainDeadline + protocol.SuspectWindow + time.Second)
	s.hub.tell(t.Context(), later)
	if last := s.told[len(s.told)-1]; len(s.told) != devices+1 || last.Status != offline {
		t.Errorf("got %+v, want the one that has not come back told offline", last)
	}
	s.hub.tell(t.Context(), later.Add(steadyTime))
	if n := len(s.hub.untold); n != 0 {
		t.Errorf("%d devices are kept in mind", n)
	}
}

// checkTold checks that what was told of a device makes sense, and that it agrees with how the device is.
func checkTold(told []record.Presence, now protocol.Status) error {
	last := record.Presence{Status: offline}
	for _, p := range told {
		switch {
		case p.Status == last.Status, p.Status == suspect && last.Status != online:
			return fmt.Errorf("%s follows %s", p.Status, last.Status)
		case p.Generation < last.Generation:
			return fmt.Errorf("%s of generation %d follows one of %d", p.Status, p.Generation, last.Generation)
		case p.At.Before(last.At):
			return fmt.Errorf("%s at %s follows %s", p.Status, p.At, last.At)
		case p.Status != online && p.At.Sub(p.Since) < flapTime-time.Millisecond:
			return fmt.Errorf("%s was told %s after the device was seen", p.Status, p.At.Sub(p.Since))
		}
		last = p
	}
	if last.Status != now {
		return fmt.Errorf("the device is %s and was told %s", now, last.Status)
	}
	return nil
}

func TestWhateverADeviceDoesItsEventsSayWhatHappened(t *testing.T) {
	for seed := range uint64(30) {
		inBubble(t, nil, func(t *testing.T, s *stage) {
			random := rand.New(rand.NewPCG(seed, 4))
			var d *peer
			for range 60 {
				switch n := random.IntN(10); {
				case n < 3 && d == nil:
					d = s.device(t, camera)
				case n < 3:
					s.suspect(t, d)
					if random.IntN(2) == 0 {
						d = d.back(s.deviceHello(t, camera))
					} else {
						d = nil
					}
				case n == 3 && d != nil:
					s.goodbye(t, d)
					d = nil
				case n == 4:
					s.mu.Lock()
					s.unsaved = nil
					s.mu.Unlock()
					s.restart(t)
					d = nil
				case n == 5:
					s.mu.Lock()
					s.unsaved = []error{nil, errors.New("the database is away")}[random.IntN(2)]
					s.mu.Unlock()
				default:
					time.Sleep(time.Duration(random.Int64N(int64(20 * time.Second))))
				}
			}
			s.mu.Lock()
			s.unsaved = nil
			s.mu.Unlock()
			time.Sleep(s.hub.config.DrainDeadline + protocol.SuspectWindow + 2*flapTime)
			if err := checkTold(s.toldOf(camera), s.hub.Presence(camera).Status); err != nil {
				t.Errorf("seed %d: %v: %+v", seed, err, s.toldOf(camera))
			}
		})
	}
}
