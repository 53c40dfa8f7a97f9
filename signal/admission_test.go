package signal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// knock asks a hub for a socket from an address, without a network, and returns the refusal's status and its Retry-After
// in seconds. The status of a knock that is let in is 0.
func (s *stage) knock(t *testing.T, address string) (status, retry int) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/v1/link", nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(address), 1000).String()
	w := httptest.NewRecorder()
	if s.hub.admitRequest(w, r) {
		return 0, 0
	}
	retry, err := strconv.Atoi(w.Header().Get("Retry-After"))
	if err != nil || retry < 1 {
		t.Errorf("got Retry-After %q", w.Header().Get("Retry-After"))
	}
	return w.Code, retry
}

func TestOneAddressThatConnectsTooOftenIsRefusedAlone(t *testing.T) {
	inBubble(t, func(c *Config) { c.AddressRate, c.AddressBurst = 1, 3 }, func(t *testing.T, s *stage) {
		for range 3 {
			if status, _ := s.knock(t, "2001:db8::1"); status != 0 {
				t.Fatalf("got %d within the burst", status)
			}
		}
		if status, retry := s.knock(t, "2001:db8::2"); status != http.StatusTooManyRequests || retry > 2 {
			t.Errorf("the same /64: got %d, try again in %d s", status, retry)
		}
		if status, _ := s.knock(t, "2001:db8:0:1::1"); status != 0 {
			t.Errorf("another /64: got %d", status)
		}
		time.Sleep(2 * time.Second)
		if status, _ := s.knock(t, "2001:db8::1"); status != 0 {
			t.Errorf("when it was told to come: got %d", status)
		}
		if got := s.hub.Refused(RefusedAddress); got != 1 {
			t.Errorf("got %d refusals counted, want 1", got)
		}
	})
}

func TestTheRefusedOfAnOverloadComeBackAtTheAcceptRate(t *testing.T) {
	inBubble(t, func(c *Config) { c.AcceptRate, c.AcceptBurst = 10, 10 }, func(t *testing.T, s *stage) {
		const all = 100
		inSecond := map[int]int{}
		for i := range all {
			status, retry := s.knock(t, fmt.Sprintf("192.0.2.%d", i))
			if i < 10 != (status == 0) || i >= 10 && status != http.StatusServiceUnavailable {
				t.Fatalf("number %d: got %d", i, status)
			}
			inSecond[retry]++
		}
		for second, n := range inSecond {
			if second > 10 || n > 30 { // ten a second on average, rounded up or down at random
				t.Errorf("%d clients are told to come after %d s", n, second)
			}
		}
	})
}

func TestStrangersCannotKeepLinksWithoutASocketAway(t *testing.T) {
	inBubble(t, func(c *Config) { c.AcceptRate, c.AcceptBurst = 8, 8 }, func(t *testing.T, s *stage) {
		d := s.device(t, camera) // from 192.0.2.1
		d.hangUp()
		for i := range 6 {
			if status, _ := s.knock(t, fmt.Sprintf("198.51.100.%d", i)); status != 0 {
				t.Fatalf("stranger %d: got %d", i, status)
			}
		}
		if status, _ := s.knock(t, "198.51.100.99"); status != http.StatusServiceUnavailable {
			t.Errorf("a stranger too many: got %d", status)
		}
		if status, _ := s.knock(t, "192.0.2.1"); status != 0 {
			t.Errorf("where the parked link came from: got %d", status)
		}
		d.back(s.deviceHello(t, camera))
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		if n := len(s.hub.homes); n != 0 {
			t.Errorf("%d addresses are remembered, though no link is parked", n)
		}
	})
}

func TestAProjectThatMakesTooManyLinksIsToldWhenToComeBack(t *testing.T) {
	inBubble(t, func(c *Config) { c.ProjectRate = 1 }, func(t *testing.T, s *stage) {
		v := s.viewer(t, nil)
		p := s.dial(t)
		err := p.greet(s.viewerHello(t, nil))
		var why *protocol.Error
		var closed *closedError
		if !errors.As(err, &why) || why.Code != protocol.CodeRateLimited || why.RetryMS < 900 || why.RetryMS > 1100 {
			t.Errorf("got %v, want rate_limited with retry_ms for a second", err)
		}
		if !errors.As(err, &closed) || closed.code != protocol.CloseRate {
			t.Errorf("got %v, want a close with 4013", err)
		}
		s.hello(t, s.deviceHello(t, foreign)) // of another project
		v.back(s.viewerHello(t, nil))         // a link that goes on is not a new one
		time.Sleep(time.Second)
		s.viewer(t, nil)
	})
}

func TestSocketsThatSayNothingAreBounded(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.MaxStrangers, c.HelloTimeout = 2, time.Hour })
	for range 2 {
		t.Cleanup(s.connect(t).cut)
	}
	s.until(t, "two have not said hello", func() bool {
		s.hub.mu.Lock()
		defer s.hub.mu.Unlock()
		return len(s.hub.strangers) == 2
	})
	_, response, err := websocket.DefaultDialer.DialContext(t.Context(), s.url, nil)
	if err == nil || response == nil || response.StatusCode != http.StatusServiceUnavailable {
		t.Fatalf("got %v and %v, want 503", response, err)
	}
	_ = response.Body.Close()
	if got := s.hub.Refused(RefusedSockets); got != 1 {
		t.Errorf("got %d refusals counted, want 1", got)
	}
}

// A crowd of a hundred times what the hub takes knocks over real sockets, while a session goes on.
func TestAnOverloadOfConnectsIsRefusedAndHarmsNoLink(t *testing.T) {
	const rate = 20
	s := onSockets(t, func(c *Config) {
		c.AcceptRate, c.AcceptBurst, c.AddressRate = rate, rate, 1e6
	})
	d, v := s.device(t, camera), s.viewer(t, nil)
	connect(v, d, 1)

	ctx, cancel := context.WithCancel(t.Context())
	var crowd sync.WaitGroup
	var mu sync.Mutex
	seen := map[int]int{}
	var faults []string
	begin := time.Now()
	for range 8 {
		crowd.Go(func() {
			for range 100 * rate / 8 {
				status, fault := knockOnce(ctx, s.url)
				mu.Lock()
				seen[status]++
				if fault != "" {
					faults = append(faults, fault)
				}
				mu.Unlock()
			}
		})
	}
	over := make(chan struct{})
	s.pumps.Go(func() {
		crowd.Wait()
		close(over)
	})
	var took []time.Duration
	for n := 1; ; n++ {
		sent := time.Now()
		v.post(protocol.TypeCandidate, sessionID(1), &protocol.Candidate{Revision: 1, Candidate: fmt.Sprint("candidate ", n)})
		if got := body[*protocol.Candidate](t, d.await(protocol.TypeCandidate)).Candidate; got != fmt.Sprint("candidate ", n) {
			t.Fatalf("got %q as the candidate number %d", got, n)
		}
		took = append(took, time.Since(sent))
		select {
		case <-over:
		default:
			continue
		}
		break
	}
	cancel()
	slices.Sort(took)
	t.Logf("%v in %s; %d candidates of the session, of which the slowest took %s",
		seen, time.Since(begin).Round(time.Millisecond), len(took), took[len(took)-1])
	for _, fault := range faults {
		t.Error(fault)
	}
	if seen[http.StatusServiceUnavailable] == 0 {
		t.Error("nobody was refused")
	}
	if most := rate + int(rate*time.Since(begin).Seconds()) + 1; seen[http.StatusSwitchingProtocols] > most {
		t.Errorf("%d were let in, want %d at most", seen[http.StatusSwitchingProtocols], most)
	}
}

// knockOnce asks for a WebSocket and leaves it. A refusal without a time to come back is a fault.
func knockOnce(ctx context.Context, url string) (status int, fault string) {
	conn, response, err := websocket.DefaultDialer.DialContext(ctx, url, nil)
	if conn != nil {
		_ = conn.Close()
	}
	if response == nil {
		return 0, fmt.Sprintf("no answer: %v", err)
	}
	_ = response.Body.Close()
	retry, err := strconv.Atoi(response.Header.Get("Retry-After"))
	if response.StatusCode == http.StatusServiceUnavailable && (err != nil || retry < 1 || retry > 30) {
		fault = fmt.Sprintf("got Retry-After %q", response.Header.Get("Retry-After"))
	}
	return response.StatusCode, fault
}
