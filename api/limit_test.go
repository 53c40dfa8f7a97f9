package api

import (
	"encoding/binary"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestOneAddressCannotEnrolForEver(t *testing.T) {
	_, a, _, _ := newWorld(t)
	try := func(address string) answer {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/v1/enroll", strings.NewReader(enrolBody("0000-0000-0000-0000")))
		r.RemoteAddr = address
		w := answer{httptest.NewRecorder()}
		a.Handler().ServeHTTP(w, r)
		return w
	}
	for range enrolsAtOnce {
		wantProblem(t, try("192.0.2.1:1000"), http.StatusNotFound, protocol.CodeNotFound)
	}
	refused := try("192.0.2.1:2000")
	p := wantProblem(t, refused, http.StatusTooManyRequests, protocol.CodeRateLimited)
	if p.RetryMS != 2000 || refused.Header().Get("Retry-After") != "2" {
		t.Errorf("got retry_ms %d and Retry-After %q, want 2 s", p.RetryMS, refused.Header().Get("Retry-After"))
	}
	wantProblem(t, try("192.0.2.2:1000"), http.StatusNotFound, protocol.CodeNotFound)
}

// numbered returns one IPv6 address of its own /64 for each number.
func numbered(n int) netip.Addr {
	bytes := [16]byte{0x20, 0x01, 0x0d, 0xb8}
	binary.BigEndian.PutUint32(bytes[4:], uint32(n))
	bytes[15] = 1
	return netip.AddrFrom16(bytes)
}

func TestLimiterIsBounded(t *testing.T) {
	l, now := newLimiter(), testTime
	for i := range enrolsInTotalMax {
		if wait := l.wait(numbered(i), now); wait != 0 {
			t.Fatalf("address %d: got wait %s", i, wait)
		}
	}
	if wait := l.wait(numbered(enrolsInTotalMax), now); wait != 20*time.Millisecond {
		t.Errorf("over the total: got wait %s, want the time of one", wait)
	}
	for i := range maxAddresses + 100 {
		l.wait(numbered(i), now)
	}
	if got := len(l.addresses); got != maxAddresses {
		t.Errorf("got %d addresses, want %d", got, maxAddresses)
	}
	if wait := l.wait(numbered(maxAddresses+1), now); wait != quietAddress {
		t.Errorf("a full table: got wait %s, want %s", wait, quietAddress)
	}
	if wait := l.wait(numbered(maxAddresses+1), now.Add(quietAddress)); wait != 0 {
		t.Errorf("when all have been quiet: got wait %s", wait)
	}
	if got := len(l.addresses); got != 1 {
		t.Errorf("got %d addresses, want the newcomer alone", got)
	}
}
