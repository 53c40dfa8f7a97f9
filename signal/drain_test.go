package signal

import (
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// sentAway waits for a peer's goaway.
func (p *peer) sentAway() *protocol.Goaway {
	p.t.Helper()
	return body[*protocol.Goaway](p.t, p.await(protocol.TypeGoaway))
}

func TestSlotsAreEvenAndBounded(t *testing.T) {
	for name, tt := range map[string]struct {
		links  int
		rate   float64
		most   time.Duration
		spread time.Duration
	}{
		"as fast as the rate":          {10_000, 500, time.Minute, 20 * time.Second},
		"no longer than the deadline":  {100_000, 500, time.Minute, time.Minute},
		"one link":                     {1, 500, time.Minute, 2 * time.Millisecond},
		"no link":                      {0, 500, time.Minute, 0},
		"a rate below one":             {3, 0.5, time.Minute, 6 * time.Second},
		"more than a duration's worth": {math.MaxInt, 1e-9, time.Minute, time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			s := slots{tt.links, time.Second, spreadOf(tt.links, tt.rate, tt.most)}
			if s.spread != tt.spread {
				t.Errorf("got a spread of %v, want %v", s.spread, tt.spread)
			}
			if tt.links > 100_000 {
				return
			}
			width := float64(tt.spread) / float64(tt.links)
			for i := range tt.links {
				if got, want := s.after(i), time.Second+time.Duration(width*float64(i)); (got - want).Abs() > time.Microsecond {
					t.Fatalf("link %d comes after %v, want %v", i, got, want)
				}
			}
		})
	}
}

func TestSlotsBeginWhenThereIsSomewhereToGo(t *testing.T) {
	for name, tt := range map[string]struct {
		hosts                   []string
		links                   int
		first, last, deadlineAt time.Duration
	}{
		"another host":                  {[]string{"b.example"}, 10_000, 0, 20 * time.Second, time.Minute},
		"another host, very many":       {[]string{"b.example"}, 100_000, 0, time.Minute, time.Minute},
		"this one, started again":       {nil, 10_000, 3 * time.Second, 23 * time.Second, time.Second},
		"this one, very many":           {nil, 100_000, 21 * time.Second, 61 * time.Second, time.Second},
		"this one, more than can close": {nil, 1_000_000, 31 * time.Second, 61 * time.Second, time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			h := New(Config{Hosts: tt.hosts})
			s, deadline := h.slotsFor(tt.links)
			if first, last := s.after(0), s.after(tt.links); first != tt.first || last != tt.last || deadline != tt.deadlineAt {
				t.Errorf("got %v to %v and the deadline %v, want %v to %v and %v", first, last, deadline, tt.first, tt.last, tt.deadlineAt)
			}
		})
	}
}

func TestADrainNeverOutlivesTheSessionsOfARestartedHub(t *testing.T) {
	for name, tt := range map[string]struct{ deadline, media, want time.Duration }{
		"nothing said":      {0, 0, time.Minute},
		"short":             {time.Second, 0, time.Second},
		"too long":          {time.Hour, 0, time.Minute},
		"just short enough": {90 * time.Second, 0, 90 * time.Second},
		"just too long":     {90*time.Second + 1, 0, time.Minute},
		"scaled-down time":  {0, time.Second, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			c := Config{DrainDeadline: tt.deadline, MediaTimeout: tt.media}.withDefaults()
			if c.DrainDeadline != tt.want {
				t.Errorf("got %v, want %v", c.DrainDeadline, tt.want)
			}
		})
	}
}

func TestAHubThatStopsSendsItsClientsAway(t *testing.T) {
	inBubble(t, func(c *Config) { c.GoawayGrace, c.AcceptRate = time.Second, 2 }, func(t *testing.T, s *stage) {
		idle := s.viewer(t, nil)
		waiting := s.device(t, other)
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		start := time.Now()
		s.stop(t)
		if s.hub.Ready() {
			t.Error("a stopped hub says that it is ready")
		}
		after := map[*peer]int64{}
		for _, p := range []*peer{d, v, waiting, idle} {
			got := p.sentAway()
			after[p] = got.AfterMS
			if got.DeadlineMS != 1000 || len(got.Hosts) != 0 {
				t.Errorf("got %+v", got)
			}
			if got := p.closed(); got != protocol.CloseGoingAway {
				t.Errorf("closed with %s, want %s", got, protocol.CloseGoingAway)
			}
		}
		if took := time.Since(start); took > drainTick {
			t.Errorf("it took %v, though every client has its goaway", took)
		}
		// The slots begin after the grace and 0.2 ms a link.
		sessions := []int64{after[d], after[v]}
		slices.Sort(sessions)
		if !slices.Equal(sessions, []int64{1000, 1500}) || after[waiting] != 2000 || after[idle] != 2500 {
			t.Errorf("the slots are %v of those in a session, %d of a device, %d of a viewer", sessions, after[waiting], after[idle])
		}
		if row := s.row(sessionID(1)); !row.Ended.IsZero() {
			t.Errorf("the session ended with the hub: %s", row.Reason)
		}
		for _, id := range []protocol.DeviceID{camera, other} {
			list := s.history(id)
			if len(list) != 1 || list[0].Cause != record.CauseGoingAway || list[0].Closed.IsZero() {
				t.Errorf("the history of %s is %+v", id, list)
			}
			if row, err := s.Device(t.Context(), id); err != nil || row.LastSeen.Before(start.Truncate(time.Millisecond)) {
				t.Errorf("%s was last seen at %v: %v", id, row.LastSeen, err)
			}
		}
	})
}

func TestAHubThatStopsDoesNotWaitLongForAClientThatDoesNotRead(t *testing.T) {
	inBubble(t, func(c *Config) { c.GoawayGrace, c.WriteTimeout = time.Second, protocol.WriteTimeout }, func(t *testing.T, s *stage) {
		v := s.viewer(t, nil)
		s.block(s.viewer(t, nil))
		start := time.Now()
		s.halt()
		if got := v.closed(); got != protocol.CloseGoingAway {
			t.Errorf("closed with %s", got)
		}
		if got := time.Since(start); got != time.Second {
			t.Errorf("the other client was closed after %v, want the grace", got)
		}
		s.stop(t)
		if got := time.Since(start); got > time.Second+2*protocol.WriteTimeout {
			t.Errorf("the hub took %v", got)
		}
	})
}

func TestAHubThatStopsTakesNobodyIn(t *testing.T) {
	inBubble(t, func(c *Config) { c.Hosts = []string{"b.example"} }, func(t *testing.T, s *stage) {
		v := s.viewer(t, nil)
		late := s.dial(t)
		s.halt()
		v.sentAway()
		if s.hub.Ready() {
			t.Error("a hub that drains says that it is ready")
		}
		for door, r := range map[string]struct {
			serve  http.HandlerFunc
			method string
		}{
			protocol.LinkPath: {s.hub.ServeHTTP, http.MethodGet}, protocol.SendPath: {s.hub.ServeSend, http.MethodPost},
		} {
			answer := httptest.NewRecorder()
			r.serve(answer, httptest.NewRequestWithContext(t.Context(), r.method, door, http.NoBody))
			if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
				t.Errorf("a new link at %s is answered %d with %v", door, answer.Code, answer.Header())
			}
		}
		err := late.greet(s.viewerHello(t, nil))
		if got := protocol.AsError(err); err == nil || got.Code != protocol.CodeGoingAway {
			t.Errorf("a hello that was late: got %v", err)
		}
	})
}

func TestWhereThereAreOtherHostsClientsLeaveInTheirSlots(t *testing.T) {
	hosts := []string{"b.example", "c.example:8443"}
	inBubble(t, func(c *Config) {
		c.Hosts, c.DrainDeadline, c.AcceptRate = hosts, 30*time.Second, 0.1
	}, func(t *testing.T, s *stage) {
		d, v, idle := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
		connect(v, d, 1)
		start := time.Now()
		s.halt()
		for _, p := range []*peer{d, v, idle} {
			got := p.sentAway()
			if got.DeadlineMS != 30_000 || got.AfterMS > 20_000 || !slices.Equal(got.Hosts, hosts) {
				t.Errorf("got %+v", got)
			}
		}
		// Those who are still here are served.
		time.Sleep(5 * time.Second)
		v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: "candidate:1"})
		d.await(protocol.TypeCandidate)
		v.wire.cut()
		idle.wire.cut()
		time.Sleep(5 * time.Second)
		select {
		case err := <-s.halted:
			s.halted <- err
			t.Fatal("the hub did not wait for the device")
		default:
		}
		if got := d.closed(); got != protocol.CloseGoingAway {
			t.Errorf("closed with %s", got)
		}
		if got := time.Since(start); got != 30*time.Second {
			t.Errorf("the device was closed after %v, want the deadline", got)
		}
		s.stop(t)
	})
}

func TestAHubWhoseClientsHaveAllLeftIsDone(t *testing.T) {
	inBubble(t, func(c *Config) { c.Hosts = []string{"b.example"} }, func(t *testing.T, s *stage) {
		v := s.viewer(t, nil)
		start := time.Now()
		s.halt()
		v.sentAway()
		time.Sleep(time.Second)
		v.wire.cut()
		s.stop(t)
		if got := time.Since(start); got > time.Second+2*drainTick {
			t.Errorf("it took %v", got)
		}
	})
}

func TestAHubInAHurryCutsItsSockets(t *testing.T) {
	for name, hosts := range map[string][]string{"that drains": {"b.example"}, "that closes its links": nil} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(c *Config) { c.Hosts, c.GoawayGrace = hosts, time.Second }, func(t *testing.T, s *stage) {
				d, stuck := s.device(t, camera), s.viewer(t, nil)
				s.block(stuck)
				stranger := s.dial(t)
				s.halt()
				d.sentAway()
				time.Sleep(500 * time.Millisecond)
				start := time.Now()
				s.hub.Abort()
				s.hub.Abort()
				stranger.wire.cut() // a wire in memory is not among the hub's strangers
				s.stop(t)
				if got := time.Since(start); got != 0 {
					t.Errorf("it took %v", got)
				}
				if list := s.history(camera); len(list) != 1 || list[0].Cause != record.CauseGoingAway {
					t.Errorf("the history is %+v", list)
				}
			})
		})
	}
}

func TestAHubInAHurryWaitsForNoPeer(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.Hosts = []string{"b.example"} })
	d := s.device(t, camera)
	stranger := s.dial(t)
	s.halt()
	d.sentAway()
	s.hub.Abort()
	s.stop(t)
	for range d.inbox { // until its socket has ended
	}
	for range 2 {
		if _, err := stranger.wire.read(); err != nil {
			return
		}
	}
	t.Error("the socket without a hello is still open after the error that says why")
}

func TestARestartedHubTakesThoseOfTheLastSlotBackIntoTheirSession(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, v := s.device(t, camera), s.viewer(t, nil)
		connect(v, d, 1)
		s.stop(t)
		s.start(t)
		time.Sleep(s.hub.config.DrainDeadline + s.hub.config.GoawayGrace)
		d, v = s.device(t, camera), s.viewer(t, nil)
		d.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Revision: 1, ICEConnected: true, Last: true})
		d.settled()
		v.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Revision: 1, ICEConnected: true, Owner: owner})
		d.await(protocol.TypeSync)
		synctest.Wait()
		if row := s.row(sessionID(1)); !row.Ended.IsZero() {
			t.Errorf("the session has ended: %s", row.Reason)
		}
	})
}
