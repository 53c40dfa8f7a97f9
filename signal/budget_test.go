package signal

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

// blob is a message of a type with a body of a size.
func blob(kind protocol.Type, size int) protocol.Envelope {
	data := append([]byte{'"'}, bytes.Repeat([]byte{'x'}, size-2)...)
	return protocol.Envelope{Type: kind, Session: sessionID(1), Data: json.RawMessage(append(data, '"'))}
}

// client is the hub's end of a peer's link, nil if the hub has none any more.
func (p *peer) client() *client {
	p.stage.hub.mu.Lock()
	defer p.stage.hub.mu.Unlock()
	return p.stage.hub.clients[p.welcome.Link]
}

// counted adds up what the hub's links have been counted with.
func (s *stage) counted() (sum int64) {
	for _, c := range s.hub.everybody() {
		sum += int64(c.load())
	}
	return sum
}

func TestQueuesAreShedInOrder(t *testing.T) {
	const budget = 1 << 20
	inBubble(t, func(c *Config) { c.QueueBytes, c.AddressRate = budget, 1000 }, func(t *testing.T, s *stage) {
		// Links of different sizes, without a socket, so that nothing leaves them.
		fill := func(percent int, subject string) *peer {
			p := s.viewer(t, func(v *auth.Viewer) { v.Subject = subject })
			p.hangUp()
			c := p.client()
			for left := budget * percent / 100; left > 0; left -= 8 << 10 {
				c.send(blob(protocol.TypeDescribe, min(left, 8<<10)-256))
			}
			return p
		}
		peers := map[int]*peer{}
		for _, percent := range []int{22, 20, 18, 16} { // 76 % in all
			peers[percent] = fill(percent, fmt.Sprint(percent))
		}
		idle := s.viewer(t, nil)

		// Below 80 % everything is queued.
		peers[16].client().send(blob(protocol.TypeStats, 1000))
		if got := s.hub.Queues(); got.Dropped != 0 || got.Bytes != s.counted() || got.Bytes < budget*76/100 {
			t.Fatalf("at 76 %%: got %+v with %d counted", got, s.counted())
		}

		// At 80 % volatile messages go, those that wait too, and only they.
		peers[5] = fill(5, "five")
		time.Sleep(sweepInterval)
		peers[16].client().send(blob(protocol.TypeStats, 1000))
		synctest.Wait()
		if got := s.hub.Queues(); got.Dropped != 2 || got.Closed != 0 || got.Bytes != s.counted() {
			t.Fatalf("at 81 %%: got %+v", got)
		}

		// At 90 % the largest queue is closed.
		peers[10] = fill(10, "ten")
		synctest.Wait()
		if got := s.hub.Queues(); got.Closed != 1 || got.Bytes != s.counted() || got.Bytes > budget*relievedAt/100 {
			t.Fatalf("at 91 %%: got %+v", got)
		}
		for percent, p := range peers {
			if gone := p.client() == nil; gone != (percent == 22) {
				t.Errorf("the link with %d %%: got gone %t", percent, gone)
			}
		}
		again := s.dial(t)
		if err := again.greet(peers[22].resuming(s.viewerHello(t, func(v *auth.Viewer) { v.Subject = "22" }))); err != nil {
			t.Fatal(err)
		}
		if again.welcome.Resumed || again.welcome.Reason != protocol.ResumeOverflow {
			t.Errorf("the closed link: got %+v", again.welcome)
		}

		// At 95 % newcomers are refused, before the upgrade and at their hello. A link that comes back is not.
		s.hub.budget.backlogs.Store(budget) // which no link's end can empty
		if status, retry := s.knock(t, "198.51.100.1"); status != http.StatusServiceUnavailable || retry < 4 || retry > 11 {
			t.Errorf("a newcomer: got %d, try again in %d s", status, retry)
		}
		if status, _ := s.knock(t, "192.0.2.1"); status != 0 {
			t.Errorf("from where a parked link was: got %d", status)
		}
		err := s.dial(t).greet(s.viewerHello(t, nil))
		var why *protocol.Error
		var closed *closedError
		if !errors.As(err, &why) || why.Code != protocol.CodeRateLimited || why.RetryMS < 5000 || !errors.As(err, &closed) || closed.code != protocol.CloseRate {
			t.Errorf("a hello: got %v, want rate_limited with retry_ms and 4013", err)
		}
		if got := s.hub.Refused(RefusedMemory); got != 2 {
			t.Errorf("got %d refusals, want 2", got)
		}
		back := peers[18].back(s.viewerHello(t, func(v *auth.Viewer) { v.Subject = "18" }))
		if !back.welcome.Resumed {
			t.Errorf("a link that comes back: got %+v", back.welcome)
		}

		// The others notice nothing, and nothing is counted that has gone.
		idle.settled()
		for _, p := range slices.Collect(maps.Values(peers)) {
			if c := p.client(); c != nil {
				c.close(protocol.Errorf(protocol.CodeGoingAway, "the test is over"))
			}
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if got := s.hub.Queues().Bytes; got != s.counted() || got > 4<<10 {
			t.Errorf("got %d bytes at the end, %d counted", got, s.counted())
		}
	})
}

func TestASocketThatTakesNothingLosesOnlyItself(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d, stuck, other := s.device(t, camera), s.viewer(t, nil), s.viewer(t, nil)
		connect(stuck, d, 1)
		connect(other, d, 2)
		m, _ := stuck.wire.(*memoryWire)
		m.stuck.Store(true)
		start := time.Now()
		candidate := &protocol.Candidate{Revision: 1, Candidate: "candidate"}
		d.post(protocol.TypeCandidate, sessionID(1), candidate)
		d.post(protocol.TypeCandidate, sessionID(2), candidate)
		other.await(protocol.TypeCandidate)
		if took := time.Since(start); took != 0 {
			t.Errorf("the other viewer waited %s", took)
		}
		s.until(t, "the stuck socket is lost", func() bool {
			s.hub.mu.Lock()
			defer s.hub.mu.Unlock()
			return s.hub.parked.Len() == 1
		})
		if took := time.Since(start); took < protocol.WriteTimeout || took > protocol.WriteTimeout+time.Second {
			t.Errorf("the socket was lost after %s, want %s", took, protocol.WriteTimeout)
		}
		back := stuck.back(s.viewerHello(t, nil))
		if !back.welcome.Resumed {
			t.Fatalf("its link: got %+v", back.welcome)
		}
		back.await(protocol.TypeCandidate)
		d.post(protocol.TypeCandidate, sessionID(2), candidate)
		other.await(protocol.TypeCandidate)
	})
}

// A viewer reads nothing, over a real socket, while a hundred thousand messages are meant for it, and comes back
// whenever it is closed. Another link gets all of its own, in order.
func TestAViewerThatStopsReadingIsNoBurdenToOthers(t *testing.T) {
	const (
		budget   = 4 << 20
		messages = 100_000
	)
	s := onSockets(t, func(c *Config) { c.QueueBytes, c.WriteTimeout = budget, 2*time.Second })
	steady := s.viewer(t, nil)
	before := heap()
	var flood sync.WaitGroup
	var most int64
	closed := 0
	over := make(chan struct{})
	flood.Go(func() {
		defer close(over)
		kinds := []protocol.Type{protocol.TypeStats, protocol.TypePolicy, protocol.TypeEvent, protocol.TypeClosed}
		var lazy *client
		for n := range messages {
			if lazy == nil || lazy.over() {
				lazy = s.lazyViewer(t)
				closed++
			}
			lazy.send(blob(kinds[n%len(kinds)], 900))
			most = max(most, s.hub.Queues().Bytes)
		}
	})
	defer flood.Wait()
	c := steady.client()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	var took []time.Duration
	for n := 0; ; n++ {
		sent := time.Now()
		c.send(protocol.Must(protocol.TypeClosed, sessionID(n), &protocol.Closed{Reason: protocol.ReasonTimeout}))
		if m := steady.await(protocol.TypeClosed); m.Session != sessionID(n) {
			t.Fatalf("got session %s, want %s: a message is missing or late", m.Session, sessionID(n))
		}
		took = append(took, time.Since(sent))
		select {
		case <-over:
		case <-tick.C:
			continue
		}
		break
	}
	after := heap()
	slices.Sort(took)
	t.Logf("queues held %d KiB at most of %d, heap grew by %d KiB; the viewer came %d times; of %d messages of the other link p50 took %s, p99 %s, the slowest %s",
		most>>10, budget>>10, (int64(after)-int64(before))>>10, closed, len(took), took[len(took)/2], took[len(took)*99/100], took[len(took)-1])
	if most > budget {
		t.Errorf("the queues held %d bytes, over their budget of %d", most, budget)
	}
	if grown := int64(after) - int64(before); grown > budget+16<<20 { // sockets, goroutines and garbage besides
		t.Errorf("the heap grew by %d bytes", grown)
	}
	if closed < 2 {
		t.Error("the viewer was never closed")
	}
}

// lazyViewer connects a viewer that reads its welcome and nothing after.
func (s *stage) lazyViewer(t *testing.T) *client {
	w := s.connect(t)
	t.Cleanup(w.cut)
	hello := s.viewerHello(t, func(v *auth.Viewer) { v.Subject = "lazy" })
	hello.Version = protocol.Version
	e := protocol.Must(protocol.TypeHello, "", &hello)
	b, err := e.Encode()
	if err == nil {
		err = w.write(b)
	}
	if err == nil {
		b, err = w.read()
	}
	if err != nil {
		t.Error(err)
		return nil
	}
	_, body, _ := protocol.Decode(b)
	welcome, ok := body.(*protocol.Welcome)
	if !ok {
		t.Errorf("got %s", b)
		return nil
	}
	s.hub.mu.Lock()
	defer s.hub.mu.Unlock()
	return s.hub.clients[welcome.Link]
}

// over reports whether the link has ended.
func (c *client) over() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.closed
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
