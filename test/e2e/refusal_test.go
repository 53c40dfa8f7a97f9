//go:build linux

package e2e

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/rig"
)

func TestATokenOpensOneDeviceForItsTime(t *testing.T) {
	s := enter(t)
	one, other := s.agent("one", "test:"), s.agent("other", "test:")
	short := need(s.api.Token(t.Context(), one.Device, "somebody", 10*time.Second))(t)
	foreign := s.token(other.Device)

	w := s.wire()
	w.hello(foreign)
	w.until(protocol.TypeWelcome)
	if got := w.open(one.Device); got != protocol.CodeForbidden {
		t.Errorf("a token of another device: got %s, want forbidden", got)
	}
	s.pageSays("foreign", s.hub.WatchURL(one.Device, foreign, ""), "closed", "forbidden", "not allowed")

	<-time.After(time.Until(short.Expires) + time.Second)
	w = s.wire()
	w.hello(short.Token)
	if code, end := w.refused(), w.closed(); code != protocol.CodeExpired || end != protocol.CloseBadToken {
		t.Errorf("an expired token: got %s and %s, want expired and 4500", code, end)
	}
	s.pageSays("expired", s.hub.WatchURL(one.Device, short.Token, ""), "closed", "expired", "expired")
}

func TestAnOfflineCameraIsAwaited(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:")
	must(t, a.Stop())
	w := s.wire()
	w.hello(s.token(a.Device))
	w.until(protocol.TypeWelcome)
	if got := w.open(a.Device); got != protocol.CodeOffline {
		t.Errorf("a device that is not there: got %s, want offline", got)
	}
	p := s.pageSays("viewer", s.hub.WatchURL(a.Device, s.token(a.Device), ""), "waiting", "offline", "offline")
	must(t, a.Start(t.Context()))
	s.live(p, "direct")
}

func TestAFullCameraSaysSo(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:", "--max-viewers", "1")
	first := s.watch("first", a, "", "direct")
	w := s.wire()
	w.hello(s.token(a.Device))
	w.until(protocol.TypeWelcome)
	if got := w.open(a.Device); got != protocol.CodeFull {
		t.Errorf("a device at its limit: got %s, want full", got)
	}
	second := s.pageSays("second", s.hub.WatchURL(a.Device, s.token(a.Device), ""), "waiting", "full", "full")
	must(t, first.Close(t.Context()))
	s.live(second, "direct")
}

func TestARevokedDeviceIsGoneAtOnce(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:")
	token := s.token(a.Device)
	p := s.watch("viewer", a, "", "direct")
	must(t, s.api.DeleteDevice(t.Context(), a.Device))
	need(p.Until(t.Context(), "closed", "", soon))(t)
	s.says(p, "closed", "revoked", "withdrawn")
	w := s.wire()
	w.hello(token)
	if code, end := w.refused(), w.closed(); code != protocol.CodeRevoked || end != protocol.CloseRevoked {
		t.Errorf("a viewer of a revoked device: got %s and %s, want revoked and 4503", code, end)
	}
	_, err := s.api.Device(t.Context(), a.Device)
	if problem, ok := errors.AsType[*rig.Problem](err); !ok || problem.Code != string(protocol.CodeNotFound) {
		t.Errorf("the API tells of a deleted device: %v, want not_found", err)
	}
	told := slices.DeleteFunc(need(s.eventKinds(a.Device))(t), func(k record.EventKind) bool { return k == record.EventSessionLive })
	if want := []record.EventKind{record.EventDeviceOffline, record.EventDeviceDeleted, record.EventSessionEnded}; !slices.Equal(told[len(told)-3:], want) {
		t.Errorf("the last events are %v, want %v", told, want)
	}
}

func TestGarbageOnTheSocketIsAnsweredAndHarmsNobody(t *testing.T) {
	s := enter(t)
	p := s.watch("viewer", s.agent("agent", "test:"), "", "direct")
	for _, garbage := range []string{"", "garbage", "[]", `{"type":"nothing"}`, `{"type":"hello","data":7}`, `{"type":"open","seq":1}`} {
		w := s.wire()
		w.say(garbage)
		code, end := w.refused(), w.closed()
		if end.Reconnect() {
			t.Errorf("%q: got %s and %s, want a close code that says not like this", garbage, code, end)
		}
	}
	w := s.wire()
	w.say(strings.Repeat("x", protocol.MaxMessageBytes+1))
	w.closed()
	s.live(p, "direct")
}

// open asks for a session of a device without an offer and returns the code of the refusal.
func (w *wire) open(device string) protocol.Code {
	w.t.Helper()
	session := protocol.SessionID(need(uuid.NewV7())(w.t).String())
	w.send(protocol.TypeOpen, session, 1, &protocol.Open{
		Device: protocol.DeviceID(device), Owner: strings.Repeat("0123456789abcdef", 2), Media: protocol.Media{Video: true},
	})
	return w.refused()
}

// pageSays opens a page and waits until it shows a refusal: to programs by its state and reason, to people in words.
func (s *stage) pageSays(name, url, state, reason, words string) *browser.Page {
	s.t.Helper()
	p := s.open(name, url)
	s.says(p, state, reason, words)
	return p
}

func (s *stage) says(p *browser.Page, state, reason, words string) {
	s.t.Helper()
	got := eventually(s.t, "the page's "+state+" for "+reason, func() (browser.State, error) {
		return p.State(s.t.Context())
	}, func(got browser.State) bool { return got.State == state && got.Reason == reason })
	if got.DataState != state {
		s.t.Errorf("the attribute data-state is %q, want %q", got.DataState, state)
	}
	need(p.Reads(s.t.Context(), words, soon))(s.t)
}
