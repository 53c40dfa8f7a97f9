package door

import (
	"context"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestFailuresAreClassified(t *testing.T) {
	answer := func(status int, headers ...string) *http.Response {
		h := http.Header{}
		for i := 0; i < len(headers); i += 2 {
			h.Set(headers[i], headers[i+1])
		}
		return &http.Response{StatusCode: status, Status: http.StatusText(status), Header: h}
	}
	const hub = protocol.ServerHeader
	tests := []struct {
		name     string
		response *http.Response
		err      error
		reason   protocol.FallbackReason
		detail   string
		retry    time.Duration
	}{
		{"a carrier", answer(200, "Server", "nginx/1.18"), nil, protocol.FallbackStatus, "HTTP 200 from nginx/1.18", 0},
		{"a filter", answer(403, "Content-Type", "text/html"), nil, protocol.FallbackStatus, "HTTP 403", 0},
		{"a proxy without its hub", answer(502, "Content-Type", "text/html"), nil, protocol.FallbackStatus, "HTTP 502", 0},
		{"a redirect", answer(302, "Location", "http://login.example/"), nil, protocol.FallbackCaptivePortal, "HTTP 302", 0},
		{"a page", answer(200, "Content-Type", "Text/HTML; charset=utf-8"), nil, protocol.FallbackCaptivePortal, "HTTP 200", 0},
		{"a portal that says so", answer(511), nil, protocol.FallbackCaptivePortal, "HTTP 511", 0},
		{"101 of a stranger", answer(101), nil, protocol.FallbackSilent, "HTTP 101", 0},
		{"the hub refuses", answer(400, hub, "n"), nil, protocol.FallbackRefused, "HTTP 400 from the hub", 0},
		{"the hub is busy", answer(503, hub, "n", "Retry-After", "2"), nil, "", "", 2 * time.Second},
		{"the hub has had enough", answer(429, hub, "n", "Retry-After", "7"), nil, "", "", 7 * time.Second},
		{"an unknown authority", nil, x509.UnknownAuthorityError{}, protocol.FallbackIntercepted, "", 0},
		{"refused", nil, &net.OpError{Op: "dial", Addr: &net.TCPAddr{Port: 1}, Err: syscall.ECONNREFUSED}, protocol.FallbackUnreachable, "", 0},
		{"reset", nil, &net.OpError{Op: "read", Err: syscall.ECONNRESET}, protocol.FallbackUnreachable, "", 0},
		{"closed", nil, &url.Error{Op: "Get", Err: io.EOF}, protocol.FallbackUnreachable, "the connection was closed without an answer: by something in between, or this is not the hub's port", 0},
		{"timed out", nil, context.DeadlineExceeded, protocol.FallbackUnreachable, "the hub did not answer in time", 0},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Explain(tt.response, tt.err)
			if got.Reason != tt.reason || got.Retry != tt.retry || tt.detail != "" && got.Detail != tt.detail {
				t.Errorf("got %q, %q, %v; want %q, %q, %v", got.Reason, got.Detail, got.Retry, tt.reason, tt.detail, tt.retry)
			}
			if got.Words == "" {
				t.Error("no words for people")
			}
			if got.Reason != "" && got.Detail == "" {
				t.Error("no detail for people")
			}
			if !errors.Is(got, tt.err) && tt.err != nil {
				t.Errorf("%v does not lead to its cause", got)
			}
		})
	}
}

func TestRetryAfterIsReadInSeconds(t *testing.T) {
	tests := map[string]time.Duration{
		"": 0, "2": 2 * time.Second, "-2": 0, "soon": 0, "99999999999999": 0, "Fri, 31 Dec 1999 23:59:59 GMT": 0,
	}
	for value, want := range tests {
		if got := retryAfter(&http.Response{Header: http.Header{"Retry-After": {value}}}); got != want {
			t.Errorf("%q: got %v, want %v", value, got, want)
		}
	}
}

func TestDetailsFitIntoAHello(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("a", 500), strings.Repeat("é", 100), strings.Repeat("€", 99), strings.Repeat("a", 200)} {
		got := clip(text)
		if len(got) > protocol.MaxFallbackDetailBytes || !utf8.ValidString(got) || !strings.HasPrefix(text, got) {
			t.Errorf("%d bytes became %d: %q", len(text), len(got), got)
		}
		if len(text) <= protocol.MaxFallbackDetailBytes && got != text || len(got) < min(len(text), protocol.MaxFallbackDetailBytes-3) {
			t.Errorf("%d bytes became %d", len(text), len(got))
		}
	}
}
