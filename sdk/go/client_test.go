package sightline

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/sdk/go/internal/typegen"
)

// without are operations that need no method: devices enrol, and Events has what the stream has.
var without = []string{"enroll", "stream-events"}

func TestEveryOperationHasAMethod(t *testing.T) {
	client := reflect.TypeFor[*Client]()
	document, err := typegen.Read("../../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	for path, operations := range document.Paths {
		for method, operation := range operations {
			id := operation.OperationID
			if id == "" || slices.Contains(without, id) {
				continue
			}
			name := typegen.Name(strings.ReplaceAll(id, "-", "_"))
			for _, read := range []string{"List", "Get"} {
				name = strings.TrimPrefix(name, read)
			}
			if _, ok := client.MethodByName(name); !ok {
				t.Errorf("%s %s: the client has no method %s", strings.ToUpper(method), path, name)
			}
		}
	}
}

// served makes a client of a server that answers as told, and counts the requests.
func served(t *testing.T, answer func(w http.ResponseWriter, r *http.Request, count int)) (*Client, *atomic.Int64) {
	t.Helper()
	var count atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer(w, r, int(count.Add(1)))
	}))
	t.Cleanup(server.Close)
	c, err := New(server.URL, "sl_live_x", Config{Backoff: time.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	return c, &count
}

func refuse(w http.ResponseWriter, status int, code protocol.Code) {
	w.Header().Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(Problem{Code: code, Status: status, Detail: "no"})
}

func TestAPostIsSentAgainAsTheSame(t *testing.T) {
	keys := map[string]int{}
	c, count := served(t, func(w http.ResponseWriter, r *http.Request, count int) {
		keys[r.Header.Get("Idempotency-Key")]++
		if count < 3 {
			refuse(w, http.StatusServiceUnavailable, protocol.CodeGoingAway)
			return
		}
		_, _ = fmt.Fprint(w, `{"token":"t"}`)
	})
	got, err := c.CreateToken(t.Context(), CreateTokenInput{Device: "cam"})
	if err != nil || got.Token != "t" || count.Load() != 3 {
		t.Fatalf("got %+v, %v after %d requests", got, err, count.Load())
	}
	if len(keys) != 1 || keys[""] > 0 {
		t.Errorf("got idempotency keys %v, want one", keys)
	}
}

func TestWhatWaitingDoesNotCureIsNotSentAgain(t *testing.T) {
	for status, code := range map[int]protocol.Code{
		http.StatusNotFound: protocol.CodeNotFound, http.StatusServiceUnavailable: protocol.CodeOffline,
		http.StatusTooManyRequests: protocol.CodeQuota, http.StatusUnprocessableEntity: protocol.CodeInvalid,
	} {
		c, count := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) { refuse(w, status, code) })
		_, err := c.Device(t.Context(), "cam")
		if !errors.Is(err, &Problem{Code: code}) || count.Load() != 1 {
			t.Errorf("%s: got %v after %d requests", code, err, count.Load())
		}
	}
}

func TestAnswersOfOthersAreNoSuccess(t *testing.T) {
	c, _ := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		_, _ = fmt.Fprint(w, "<html>log in to the hotel</html>")
	})
	if _, err := c.Project(t.Context()); err == nil || !strings.Contains(err.Error(), "makes no sense") {
		t.Errorf("got %v", err)
	}
	c, _ = served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		http.Redirect(w, r, "http://elsewhere.invalid", http.StatusFound)
	})
	var p *Problem
	if _, err := c.Project(t.Context()); !errors.As(err, &p) || p.Status != http.StatusFound {
		t.Errorf("got %v, want the redirect as it is", err)
	}
}

func TestListsGoThroughAllPages(t *testing.T) {
	c, count := served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		switch r.FormValue("cursor") {
		case "":
			_, _ = fmt.Fprint(w, `{"devices":[{"id":"a"},{"id":"b"}],"next_cursor":"more"}`)
		case "more":
			_, _ = fmt.Fprint(w, `{"devices":[{"id":"c"}]}`)
		}
	})
	var got []string
	for d, err := range c.Devices(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, string(d.ID))
	}
	if strings.Join(got, "") != "abc" || count.Load() != 2 {
		t.Errorf("got %v by %d requests", got, count.Load())
	}
	for _, err := range c.Devices(t.Context()) {
		if err != nil {
			t.Error(err)
		}
		break
	}
	if count.Load() != 3 {
		t.Error("a list that is left goes on")
	}
}

func TestEventsGoOnWhereTheyWere(t *testing.T) {
	c, _ := served(t, func(w http.ResponseWriter, r *http.Request, count int) {
		if r.FormValue("wait") == "" || r.FormValue("kinds") != "device.online,device.offline" {
			t.Errorf("asked %s", r.URL.RawQuery)
		}
		switch {
		case count == 2:
			refuse(w, http.StatusBadGateway, "")
		case r.FormValue("after") == "7":
			_, _ = fmt.Fprint(w, `{"events":[{"seq":8,"kind":"device.online","data":{"generation":3}}],"next":8}`)
		default:
			_, _ = fmt.Fprint(w, `{"events":[{"seq":9,"kind":"device.offline"}],"next":9}`)
		}
	})
	var got []uint64
	for e, err := range c.Events(t.Context(), 7, DeviceOnline, DeviceOffline) {
		if err != nil {
			t.Fatal(err)
		}
		if got = append(got, e.Seq); len(got) == 2 {
			break
		}
	}
	if fmt.Sprint(got) != "[8 9]" {
		t.Errorf("got %v", got)
	}
}

func TestACallEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, count := served(t, func(w http.ResponseWriter, _ *http.Request, _ int) {
		cancel()
		refuse(w, http.StatusServiceUnavailable, protocol.CodeGoingAway)
	})
	if _, err := c.Project(ctx); err == nil || count.Load() != 1 {
		t.Errorf("got %v after %d requests", err, count.Load())
	}
}

func TestNewRefusesWhatIsNoServer(t *testing.T) {
	for _, hub := range []string{"", "hub.example", "ftp://hub.example", "https://"} {
		if _, err := New(hub, "sl_live_x"); err == nil {
			t.Errorf("%q is taken for a server", hub)
		}
	}
	if _, err := New("https://hub.example", ""); err == nil {
		t.Error("a client without a key was made")
	}
}

func TestEventsThatAreGoneAreAGap(t *testing.T) {
	c, _ := served(t, func(w http.ResponseWriter, r *http.Request, _ int) {
		_, _ = fmt.Fprint(w, map[string]string{
			"3":  `{"events":[{"seq":10}],"next":12,"first":10}`, // two of other kinds follow
			"12": `{"events":[],"next":12,"first":10}`,
		}[r.FormValue("after")])
	})
	var gap *Gap
	var got []uint64
	for e, err := range c.History(t.Context(), 3, DeviceOnline) {
		switch {
		case err == nil:
			got = append(got, e.Seq)
		case !errors.As(err, &gap):
			t.Fatal(err)
		}
	}
	if gap == nil || gap.After != 3 || gap.First != 10 || fmt.Sprint(got) != "[10]" {
		t.Errorf("got %v and the gap %v", got, gap)
	}
}
