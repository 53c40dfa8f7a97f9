package webhook

import (
	"bytes"
	"encoding/json"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// network answers requests by the host of their URL, in place of the sender's transport. Bodies are those of memory.
type network struct {
	// mu guards everything below.
	mu      sync.Mutex
	answers map[string]func(seq uint64) (status int, header http.Header, took time.Duration)
	// got are the numbers of events that each host took, in order; tries the times of all attempts.
	got   map[string][]uint64
	tries map[string][]time.Time
	// now counts the requests that each host has, most the most that it ever had.
	now, most map[string]int
	// lanes are the devices that a host has a request of.
	lanes map[string]map[protocol.DeviceID]bool
	clash bool
}

func newNetwork() *network {
	return &network{
		answers: map[string]func(uint64) (int, http.Header, time.Duration){}, got: map[string][]uint64{}, tries: map[string][]time.Time{},
		now: map[string]int{}, most: map[string]int{}, lanes: map[string]map[protocol.DeviceID]bool{},
	}
}

func (n *network) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	var p payload
	if err := json.Unmarshal(body, &p); err != nil {
		return nil, err
	}
	host := r.URL.Host
	n.mu.Lock()
	answer := n.answers[host]
	n.tries[host] = append(n.tries[host], time.Now())
	n.now[host]++
	n.most[host] = max(n.most[host], n.now[host])
	if n.lanes[host] == nil {
		n.lanes[host] = map[protocol.DeviceID]bool{}
	}
	n.clash = n.clash || n.lanes[host][p.Device]
	n.lanes[host][p.Device] = true
	n.mu.Unlock()
	status, header, took := http.StatusOK, http.Header(nil), time.Millisecond
	if answer != nil {
		status, header, took = answer(p.Seq)
	}
	timer := time.NewTimer(took)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		status = 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.now[host]--
	n.lanes[host][p.Device] = false
	if status == 0 {
		return nil, r.Context().Err()
	}
	if status == http.StatusOK {
		n.got[host] = append(n.got[host], p.Seq)
	}
	return &http.Response{StatusCode: status, Header: header, Body: io.NopCloser(bytes.NewReader(nil)), Request: r}, nil
}

func (n *network) answer(host string, f func(seq uint64) (int, http.Header, time.Duration)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.answers[host] = f
}

func (n *network) took(host string) []uint64 {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]uint64(nil), n.got[host]...)
}

func (n *network) tried(host string) []time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]time.Time(nil), n.tries[host]...)
}

func always(status int) func(uint64) (int, http.Header, time.Duration) {
	return func(uint64) (int, http.Header, time.Duration) { return status, http.Header{}, time.Millisecond }
}

// bench is a worker on a store in memory, and a network without any wire.
func bench(t *testing.T) (*memory, *network, *Worker) {
	t.Helper()
	m, n := newMemory(), newNetwork()
	return m, n, bring(t, m, n)
}

func bring(t *testing.T, m *memory, n *network) *Worker {
	t.Helper()
	w, err := New(Config{Store: m})
	if err != nil {
		t.Fatal(err)
	}
	w.sender.client.Transport = n
	return w
}

func upTo(n uint64) (list []uint64) {
	for i := uint64(1); i <= n; i++ {
		list = append(list, i)
	}
	return list
}

func TestEveryEventIsSentOnceInOrderAndLeavesNothingBehind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("a", "https://a/")
		stop := work(t, w)
		for range 1000 {
			m.happen(record.EventDeviceOnline, "cam")
		}
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff(upTo(1000), n.took("a")); diff != "" {
			t.Errorf("events differ:\n%s", diff)
		}
		kept := m.webhook("a")
		if kept.Cursor != 1000 || len(kept.Open) != 0 || m.rows != 0 || len(m.log["a"]) != 1000 {
			t.Errorf("got cursor %d, open %v, %d rows", kept.Cursor, kept.Open, m.rows)
		}
	})
}

func TestAnEventThatFailsHoldsUpItsDeviceOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("a", "https://a/")
		bad := true
		n.answer("a", func(seq uint64) (int, http.Header, time.Duration) {
			if n.mu.Lock(); seq == 1 && bad {
				n.mu.Unlock()
				return 500, nil, time.Millisecond
			}
			n.mu.Unlock()
			return 200, nil, time.Millisecond
		})
		stop := work(t, w)
		for range 10 {
			m.happen(record.EventDeviceOnline, "bad")
			m.happen(record.EventDeviceOnline, "good")
		}
		time.Sleep(time.Second)
		if got := n.took("a"); len(got) != 10 || got[0] != 2 {
			t.Errorf("got %v, want those of the good device", got)
		}
		kept := m.webhook("a")
		if rows := look(m, func() int { return len(m.waiting["a"]) }); rows != 10 || kept.Cursor != 20 || len(kept.Open) != 0 {
			t.Errorf("got %d rows, cursor %d, open %v", rows, kept.Cursor, kept.Open)
		}
		n.mu.Lock()
		bad = false
		n.mu.Unlock()
		time.Sleep(10 * time.Second)
		stop()
		got := n.took("a")[10:]
		if diff := cmp.Diff([]uint64{1, 3, 5, 7, 9, 11, 13, 15, 17, 19}, got); diff != "" || len(m.waiting["a"]) != 0 {
			t.Errorf("%d rows are left; events differ:\n%s", len(m.waiting["a"]), diff)
		}
	})
}

func TestADeadEndpointIsProbedByOneAndGrowsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("dead", "https://dead/")
		m.add("well", "https://well/")
		n.answer("dead", always(500))
		stop := work(t, w)
		for i := range 2000 {
			m.happen(record.EventDeviceOnline, protocol.DeviceID(rune('a'+i%20)))
			time.Sleep(time.Second)
		}
		if got := n.took("well"); len(got) != 2000 {
			t.Errorf("the other endpoint got %d", len(got))
		}
		if tries := n.tried("dead"); len(tries) > 30 || tries[len(tries)-1].Before(time.Now().Add(-probeMost)) {
			t.Errorf("got %d attempts, the last at %v", len(tries), tries[len(tries)-1])
		}
		kept := m.webhook("dead")
		if rows := look(m, func() int { return m.rows }); rows > maxLane+maxOpen || kept.Cursor > 2*maxLane || kept.Failing.IsZero() {
			t.Errorf("got %d rows, cursor %d, failing since %v", rows, kept.Cursor, kept.Failing)
		}
		n.answer("dead", nil)
		time.Sleep(probeMost + time.Minute)
		stop()
		if got := n.took("dead"); len(got) != 2000 || !m.webhook("dead").Failing.IsZero() {
			t.Errorf("got %d events after it was well again", len(got))
		}
		checkLanes(t, m, n.took("dead"))
	})
}

// checkLanes tells of events that came before an older one of their device.
func checkLanes(t *testing.T, m *memory, got []uint64) {
	t.Helper()
	last := map[protocol.DeviceID]uint64{}
	for _, seq := range got {
		device := m.events[seq-1].Device
		if seq < last[device] {
			t.Errorf("event %d of %s came after %d", seq, device, last[device])
		}
		last[device] = seq
	}
}

func TestWhatCannotBeDeliveredIsADeadLetterAfterItsLife(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("a", "https://a/")
		n.answer("a", always(500))
		stop := work(t, w)
		for range 3 * maxOpen {
			m.happen(record.EventDeviceOnline, "cam")
		}
		time.Sleep(life - time.Minute)
		if dead := look(m, func() int { return len(m.dead["a"]) }); dead != 0 {
			t.Errorf("got %d dead letters before their time", dead)
		}
		time.Sleep(2*probeMost + time.Minute)
		if dead := look(m, func() int { return len(m.dead["a"]) }); dead != 3*maxOpen {
			t.Errorf("got %d dead letters, want %d", dead, 3*maxOpen)
		}
		if kept := m.webhook("a"); kept.Cursor != 3*maxOpen {
			t.Errorf("got cursor %d", kept.Cursor)
		}
		n.answer("a", nil)
		m.happen(record.EventDeviceOnline, "cam")
		time.Sleep(probeMost)
		if got := n.took("a"); len(got) != 1 || got[0] != 3*maxOpen+1 {
			t.Errorf("got %v, want the next event", got)
		}
		m.mu.Lock()
		m.dead["a"] = map[uint64]bool{}
		m.replays["a"] = []record.ReplayRange{{ID: "1", SeqRange: record.SeqRange{First: 5, Last: 300}}, {ID: "2", SeqRange: record.SeqRange{First: 700, Last: 701}}}
		m.mu.Unlock()
		w.Replayed("a")
		time.Sleep(time.Minute)
		stop()
		want := append(append([]uint64{3*maxOpen + 1}, upTo(300)[4:]...), 700, 701)
		if diff := cmp.Diff(want, n.took("a")); diff != "" || len(m.replays["a"]) != 0 || len(m.waiting["a"]) != 0 {
			t.Errorf("replays left: %v; events differ:\n%s", m.replays["a"], diff)
		}
	})
}

func TestOneEventIsTriedOnTheScheduleUntilItIsDead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("a", "https://a/")
		n.answer("a", func(seq uint64) (int, http.Header, time.Duration) {
			if seq == 1 {
				return 400, nil, time.Millisecond
			}
			return 200, nil, time.Millisecond
		})
		stop := work(t, w)
		begun := time.Now()
		m.happen(record.EventDeviceOnline, "bad")
		time.Sleep(time.Second)
		m.happen(record.EventDeviceOnline, "bad")
		for time.Since(begun) < life+time.Hour { // others go on, so that nothing breaks
			m.happen(record.EventDeviceOnline, "good")
			time.Sleep(time.Minute)
		}
		stop()
		var attempts []record.Delivery
		for _, d := range m.log["a"] {
			if d.Seq == 1 {
				attempts = append(attempts, d)
			}
		}
		if len(attempts) != len(waits) {
			t.Fatalf("got %d attempts, want %d", len(attempts), len(waits))
		}
		for i, d := range attempts[1:] {
			if wait, want := d.At.Sub(attempts[i].At), waits[i+1]; wait > want+time.Second || wait < want*9/10-time.Second || d.Attempt != i+2 {
				t.Errorf("attempt %d came after %v, want %v", d.Attempt, wait, want)
			}
		}
		if !m.dead["a"][1] || m.dead["a"][2] || len(m.dead["a"]) != 1 {
			t.Errorf("got dead letters %v, want the first event", m.dead["a"])
		}
		if !slices.Contains(n.took("a"), 2) {
			t.Error("what waited behind it was not delivered")
		}
	})
}

func TestGoneSwitchesTheEndpointOffAndItsPlaceIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("a", "https://a/")
		n.answer("a", always(410))
		work(t, w)
		for range 5 {
			m.happen(record.EventDeviceOnline, "cam")
		}
		time.Sleep(time.Hour)
		if tries := n.tried("a"); len(tries) != 1 || m.webhook("a").State != record.WebhookGone {
			t.Errorf("got %d attempts, state %s", len(tries), m.webhook("a").State)
		}
		n.answer("a", nil)
		m.alter("a", func(w *record.Webhook) { w.State, w.Since = record.WebhookOn, time.Now() })
		w.Changed()
		time.Sleep(time.Minute)
		if diff := cmp.Diff(upTo(5), n.took("a")); diff != "" {
			t.Errorf("events differ:\n%s", diff)
		}
	})
}

func TestAnEndpointThatWantsToBeLeftAloneIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, status := range []int{429, 503} {
			after := "120"
			if status == 503 {
				after = time.Now().Add(2 * time.Minute).UTC().Format(http.TimeFormat)
			}
			m, n, w := bench(t)
			m.add("a", "https://a/")
			n.answer("a", func(uint64) (int, http.Header, time.Duration) {
				return status, http.Header{"Retry-After": {after}}, time.Millisecond
			})
			stop := work(t, w)
			m.happen(record.EventDeviceOnline, "cam")
			m.happen(record.EventDeviceOnline, "dog")
			time.Sleep(110 * time.Second)
			first := len(n.tried("a"))
			n.answer("a", nil)
			time.Sleep(11 * time.Second)
			stop()
			if got := n.took("a"); first > maxInFlight || len(got) != 2 {
				t.Errorf("%d: got %d attempts at first, then %v", status, first, got)
			}
		}
	})
	if got := retryAfter("31536000", time.Now()); got != maxRetryAfter {
		t.Errorf("a year is %v", got)
	}
	if got := retryAfter("soon", time.Now()); got != 0 {
		t.Errorf("no time is %v", got)
	}
}

func TestEventsThatTheHistoryNoLongerHasAreCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		m.add("a", "https://a/")
		m.alter("a", func(w *record.Webhook) { w.State = record.WebhookPaused })
		for range 50 {
			m.happen(record.EventDeviceOnline, "cam")
		}
		m.first = 31
		m.alter("a", func(w *record.Webhook) { w.State, w.Since = record.WebhookOn, time.Now() })
		stop := work(t, w)
		time.Sleep(time.Minute)
		stop()
		if diff := cmp.Diff(upTo(50)[30:], n.took("a")); diff != "" || m.webhook("a").Missed != 30 {
			t.Errorf("got %d missed; events differ:\n%s", m.webhook("a").Missed, diff)
		}
	})
}

func TestAPausedEndpointGetsNothingAndADeletedOneIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		for _, id := range []string{"paused", "deleted", "left"} {
			m.add(id, "https://"+id+"/")
		}
		work(t, w)
		m.happen(record.EventDeviceOnline, "cam")
		time.Sleep(time.Second)
		m.alter("paused", func(w *record.Webhook) { w.State = record.WebhookPaused })
		m.mu.Lock()
		delete(m.webhooks, "deleted")
		m.mu.Unlock()
		time.Sleep(2 * pollInterval)
		m.happen(record.EventDeviceOnline, "cam")
		time.Sleep(time.Minute)
		if a, b, c := len(n.took("paused")), len(n.took("deleted")), len(n.took("left")); a != 1 || b != 1 || c != 2 {
			t.Errorf("got %d, %d and %d events, want 1, 1 and 2", a, b, c)
		}
		if got := w.Figures(); got.Endpoints != 1 || got.Succeeded != 4 || got.Failed+got.Dead+got.Missed != 0 || got.InFlight != 0 {
			t.Errorf("got %+v", got)
		}
		m.alter("paused", func(w *record.Webhook) { w.State, w.Since = record.WebhookOn, time.Now() })
		time.Sleep(2 * pollInterval)
		if got := n.took("paused"); !slices.Equal(got, upTo(2)) {
			t.Errorf("got %v", got)
		}
	})
}

func TestAnEndpointThatATestFoundWellGetsWhatWaitsAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		m, n, w := bench(t)
		hook := m.add("a", "https://a/")
		n.answer("a", always(500))
		work(t, w)
		for i := range 20 {
			m.happen(record.EventDeviceOnline, protocol.DeviceID(rune('a'+i)))
		}
		time.Sleep(time.Hour)
		if d := w.Test(t.Context(), hook); d.Status != 500 || len(n.took("a")) != 0 {
			t.Errorf("got %+v", d)
		}
		n.answer("a", nil)
		if d := w.Test(t.Context(), hook); d.Err != "" {
			t.Errorf("got %+v", d)
		}
		time.Sleep(time.Second)
		if got := n.took("a"); len(got) != 21 { // the test is one of them
			t.Errorf("got %v", got)
		}
	})
}

// TestNothingIsLostAndOrderIsKeptWhateverHappens kills and restarts workers at random among endpoints that fail at random.
func TestNothingIsLostAndOrderIsKeptWhateverHappens(t *testing.T) {
	for seed := range uint64(4) {
		synctest.Test(t, func(t *testing.T) { whateverHappens(t, rand.New(rand.NewPCG(seed, 7))) })
	}
}

func whateverHappens(t *testing.T, dice *rand.Rand) {
	m, n := newMemory(), newNetwork()
	hosts := []string{"a", "b", "c", "d"}
	faults := map[string]int{"a": 0, "b": 10, "c": 50, "d": 90} // in 100
	var mu sync.Mutex
	well := false
	for _, host := range hosts {
		m.add(host, "https://"+host+"/")
		n.answer(host, func(uint64) (int, http.Header, time.Duration) {
			mu.Lock()
			defer mu.Unlock()
			took := time.Duration(dice.IntN(20)) * time.Millisecond
			if !well && dice.IntN(100) < faults[host] {
				if dice.IntN(5) == 0 {
					return 200, nil, time.Minute // it hangs
				}
				return 500 + dice.IntN(4), http.Header{"Retry-After": {"3"}}, took
			}
			return 200, nil, took
		})
	}
	roll := func(n int) int {
		mu.Lock()
		defer mu.Unlock()
		return dice.IntN(n)
	}
	total := 0
	for range 4 {
		crash := crashing(t, m, n)
		for range 60 {
			for range roll(8) {
				m.happen(record.EventDeviceOnline, protocol.DeviceID(rune('a'+roll(5))))
				total++
			}
			time.Sleep(time.Duration(roll(2000)) * time.Millisecond)
		}
		crash()
	}
	mu.Lock()
	well = true
	mu.Unlock()
	stop := work(t, bring(t, m, n))
	time.Sleep(time.Hour)
	stop()
	for _, host := range hosts {
		first := firsts(n.took(host))
		if len(first) != total {
			t.Errorf("%s: got %d of %d events", host, len(first), total)
		}
		checkLanes(t, m, first)
		if kept := m.webhook(host); kept.Cursor != uint64(total) || len(kept.Open)+len(m.waiting[host]) != 0 {
			t.Errorf("%s: cursor %d of %d, open %v, %d rows", host, kept.Cursor, total, kept.Open, len(m.waiting[host]))
		}
		if repeats := len(n.took(host)) - total; repeats > 4*(maxUnsaved+maxInFlight) {
			t.Errorf("%s: %d events came twice", host, repeats)
		}
		if n.most[host] > maxInFlight {
			t.Errorf("%s: %d requests at a time", host, n.most[host])
		}
	}
}

// firsts leaves out what came before.
func firsts(list []uint64) (first []uint64) {
	seen := map[uint64]bool{}
	for _, seq := range list {
		if !seen[seq] {
			first = append(first, seq)
		}
		seen[seq] = true
	}
	return first
}
