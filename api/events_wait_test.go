package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func numberedEvent(seq uint64, kind record.EventKind) record.Event {
	return record.Event{Project: "mine", Seq: seq, ID: "e", Kind: kind, At: testTime, Data: json.RawMessage(`{}`)}
}

// asking is a request that is under way.
type asking struct {
	got  answer
	stop context.CancelFunc
	done chan struct{}
}

// ask starts a request in a synctest bubble.
func ask(t *testing.T, a *API, key, path string, header ...string) *asking {
	t.Helper()
	ctx, stop := context.WithCancel(t.Context())
	r := httptest.NewRequestWithContext(ctx, http.MethodGet, path, http.NoBody)
	r.Header.Set("Authorization", "Bearer "+key)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	q := &asking{got: answer{httptest.NewRecorder()}, stop: stop, done: make(chan struct{})}
	go func() {
		defer close(q.done)
		a.Handler().ServeHTTP(q.got, r)
	}()
	synctest.Wait()
	return q
}

// answered reports whether the request is over.
func (q *asking) answered() bool {
	synctest.Wait()
	select {
	case <-q.done:
		return true
	default:
		return false
	}
}

type eventList struct {
	Events      []Event
	Next, First uint64
}

func TestEventsAreWaitedFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, key, _ := newWorld(t)
		w.happen(numberedEvent(1, record.EventDeviceOnline))
		q := ask(t, a, key, "/v1/events?after=1&wait=25&kinds=device.offline")
		time.Sleep(10 * time.Second)
		w.happen(numberedEvent(2, record.EventDeviceOnline)) // of another kind
		time.Sleep(10 * time.Second)
		if q.answered() {
			t.Fatalf("answered %s before there was anything to tell", q.got.Body)
		}
		w.happen(numberedEvent(3, record.EventDeviceOffline))
		if !q.answered() {
			t.Fatal("not answered although there is something to tell")
		}
		var got eventList
		q.got.decode(t, &got)
		if len(got.Events) != 1 || got.Events[0].Seq != 3 || got.Next != 3 || got.First != 1 {
			t.Errorf("got %+v, want event 3", got)
		}
		if w.following() != 0 || a.waiting.all != 0 || len(a.waiting.ofKey) != 0 {
			t.Errorf("%d follow and %+v waits after the answer", w.following(), &a.waiting)
		}
	})
}

func TestWaitForEventsEnds(t *testing.T) {
	for name, end := range map[string]func(*world, *API, *asking){
		"in time":      func(*world, *API, *asking) { time.Sleep(25 * time.Second) },
		"at the end":   func(_ *world, a *API, _ *asking) { a.End(); a.End() },
		"client gone":  func(_ *world, _ *API, q *asking) { q.stop() },
		"key revoked":  func(w *world, _ *API, _ *asking) { w.revokeAll(); w.happen(numberedEvent(2, record.EventDeviceOnline)) },
		"scope is off": func(w *world, _ *API, _ *asking) { w.narrowAll(); w.happen(numberedEvent(2, record.EventDeviceOnline)) },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w, a, key, _ := newWorld(t)
				w.happen(numberedEvent(1, record.EventDeviceOnline))
				q := ask(t, a, key, "/v1/events?after=0&wait=25&kinds=device.alert")
				end(w, a, q)
				time.Sleep(newsGap)
				if !q.answered() || w.following() != 0 || a.waiting.all != 0 {
					t.Fatal("it waits on")
				}
				switch name {
				case "key revoked":
					wantProblem(t, q.got, http.StatusUnauthorized, protocol.CodeRevoked)
				case "scope is off":
					wantProblem(t, q.got, http.StatusForbidden, protocol.CodeForbidden)
				case "client gone":
				default:
					var got eventList
					q.got.decode(t, &got)
					if len(got.Events) != 0 || got.Next != 1 {
						t.Errorf("got %+v, want nothing, and to go on after the event of another kind", got)
					}
				}
			})
		})
	}
}

func (w *world) revokeAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.keys {
		w.keys[i].Revoked = testTime
	}
}

func (w *world) narrowAll() {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.keys {
		w.keys[i].Scopes = []record.Scope{"devices:read"}
	}
}

func TestFewRequestsOfOneKeyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, a, key, theirs := newWorld(t)
		for i := range maxWaitingOfKey {
			path := "/v1/events?wait=25"
			if i%2 == 0 {
				path = "/v1/events/stream"
			}
			ask(t, a, key, path)
		}
		for _, path := range []string{"/v1/events?wait=25", "/v1/events/stream"} {
			refused := ask(t, a, key, path)
			if !refused.answered() {
				t.Fatal("one too many waits")
			}
			wantProblem(t, refused.got, http.StatusTooManyRequests, protocol.CodeRateLimited)
		}
		if ask(t, a, theirs, "/v1/events?wait=25").answered() {
			t.Error("another key cannot wait")
		}
		a.End()
		synctest.Wait()
		if a.waiting.all != 0 {
			t.Errorf("%d wait after the end", a.waiting.all)
		}
	})
}

func TestAProjectOfManyKeysLeavesRoomForOthersToWait(t *testing.T) {
	var w waiting
	var leave []func()
	for i := range maxWaitingOfProject {
		left, err := w.enter(record.Key{ID: protocol.KeyID(strconv.Itoa(i)), Project: "greedy"})
		if err != nil {
			t.Fatal(err)
		}
		leave = append(leave, left)
	}
	if _, err := w.enter(record.Key{ID: "another", Project: "greedy"}); protocol.AsError(err).Code != protocol.CodeRateLimited {
		t.Errorf("one too many: %v", err)
	}
	left, err := w.enter(record.Key{ID: "first", Project: "modest"})
	if err != nil {
		t.Fatalf("another project's: %v", err)
	}
	for _, left := range append(leave, left) {
		left()
	}
	if w.all != 0 || len(w.ofKey) != 0 || len(w.ofProject) != 0 {
		t.Errorf("%d, %v and %v are left", w.all, w.ofKey, w.ofProject)
	}
}

func TestStreamSendsEventsInOrderForEver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w, a, key, _ := newWorld(t)
		const before = 2*streamPage + 1
		for seq := range uint64(before) {
			w.happen(numberedEvent(seq+1, record.EventDeviceOnline))
		}
		all := ask(t, a, key, "/v1/events/stream")
		resumed := ask(t, a, key, "/v1/events/stream?after=1&kinds=device.offline", "Last-Event-ID", "200")
		w.happen(numberedEvent(before+1, record.EventDeviceOffline))
		time.Sleep(streamHeartbeat + time.Second)
		w.happen(numberedEvent(before+2, record.EventDeviceOnline))
		time.Sleep(time.Second)
		for _, q := range []*asking{all, resumed} {
			q.stop()
			if !q.answered() {
				t.Fatal("the stream goes on without its client")
			}
			if got := q.got.Header().Get("Content-Type"); got != "text/event-stream" {
				t.Errorf("got content type %q", got)
			}
		}
		var want []string
		for seq := range before + 2 {
			kind := record.EventDeviceOnline
			if seq == before {
				kind = record.EventDeviceOffline
			}
			text, err := json.Marshal(event(numberedEvent(uint64(seq+1), kind)))
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, fmt.Sprintf("id: %d", seq+1)+"\nevent: "+string(kind)+"\ndata: "+string(text))
		}
		frames := func(q *asking) []string {
			return of(strings.Split(strings.TrimSuffix(q.got.Body.String(), "\n\n"), "\n\n"), func(frame string) bool { return strings.HasPrefix(frame, "id:") })
		}
		if diff := cmp.Diff(want, frames(all)); diff != "" {
			t.Errorf("the stream differs:\n%s", diff)
		}
		if diff := cmp.Diff(want[before:before+1], frames(resumed)); diff != "" {
			t.Errorf("the resumed stream differs:\n%s", diff)
		}
		if body := all.got.Body.String(); !strings.HasPrefix(body, "retry: 2000\n\n") || !strings.Contains(body, "\n\n:\n\n") {
			t.Errorf("got %q, want a pause and a heartbeat in it", body)
		}
	})
}
