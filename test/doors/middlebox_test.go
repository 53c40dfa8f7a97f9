package doors

import (
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/middlebox"
)

func TestAgentIsOnlineThroughEveryMiddleboxAndSaysHow(t *testing.T) {
	tests := []struct {
		mode   middlebox.Mode
		reason protocol.FallbackReason // none where the WebSocket gets through
		detail string
	}{
		{middlebox.Pass, "", ""},
		{middlebox.Answer, protocol.FallbackStatus, "HTTP 200 from Middlebox/1.0"},
		{middlebox.Swallow, protocol.FallbackSilent, "HTTP 101"},
		{middlebox.Forbid, protocol.FallbackStatus, "HTTP 403 from Middlebox/1.0"},
		{middlebox.Refuse, protocol.FallbackUnreachable, ""},
		{middlebox.Buffer, protocol.FallbackRefused, "HTTP 400 from the hub"},
		{middlebox.Cut, protocol.FallbackCut, "lost after"},
		{middlebox.Delay, "", ""},
	}
	for _, tt := range tests {
		t.Run(string(tt.mode), func(t *testing.T) {
			s := newStage(t, middlebox.Config{Mode: tt.mode, CutAfter: 1500 * time.Millisecond, Delay: 200 * time.Millisecond})
			c := s.camera()
			c.HelloTimeout = 2 * time.Second
			id := s.agent(c)
			want := protocol.TransportLongPoll
			if tt.reason == "" {
				want = protocol.TransportWebSocket
			}
			p := s.until(id, string(want), func(p protocol.Presence) bool {
				return p.Status == protocol.StatusOnline && p.Transport == want
			})
			switch {
			case tt.reason == "":
				if p.Fallback != nil || s.log.count("level=WARN") > 0 {
					t.Errorf("the hub knows of %+v, the log has\n%s", p.Fallback, s.log)
				}
				return
			case p.Fallback == nil || p.Fallback.Reason != tt.reason || !strings.Contains(p.Fallback.Detail, tt.detail):
				t.Errorf("the hub knows of %+v, want %s with %q", p.Fallback, tt.reason, tt.detail)
			}
			said := `msg="no websocket gets through, the long poll carries the link" reason=` + string(tt.reason)
			s.until(id, "the agent's own word", func(protocol.Presence) bool { return s.log.count(said) == 1 })
			if s.box.Meddled() == 0 {
				t.Error("the middlebox was not met")
			}
		})
	}
}

func TestPortalKeepsTheAgentOutUntilSomebodyLogsIn(t *testing.T) {
	s := newStage(t, middlebox.Config{})
	c := s.camera()
	id := s.agent(c)
	s.box.Set(middlebox.Portal)
	s.until(id, "the loss of the link", func(p protocol.Presence) bool { return p.Status != protocol.StatusOnline })
	s.box.Set(middlebox.Pass)
	s.until(id, "its return", func(p protocol.Presence) bool { return p.Status == protocol.StatusOnline })
}

func TestAgentGoesBackToTheWebSocketWhenItWorksAgain(t *testing.T) {
	s := newStage(t, middlebox.Config{Mode: middlebox.Swallow})
	c := s.camera()
	c.Probes = []time.Duration{100 * time.Millisecond}
	id := s.agent(c)
	online := func(transport protocol.Transport) func(protocol.Presence) bool {
		return func(p protocol.Presence) bool { return p.Status == protocol.StatusOnline && p.Transport == transport }
	}
	generation := s.until(id, "the long poll", online(protocol.TransportLongPoll)).Generation
	s.box.Set(middlebox.Pass)
	p := s.until(id, "the WebSocket", online(protocol.TransportWebSocket))
	if p.Generation != generation {
		t.Errorf("generation %d became %d: the link was lost", generation, p.Generation)
	}
	if p.Fallback != nil {
		t.Errorf("on the WebSocket the hub still knows of %+v", p.Fallback)
	}
	s.box.Set(middlebox.Forbid)
	p = s.until(id, "the long poll again", online(protocol.TransportLongPoll))
	if p.Generation != generation || p.Fallback == nil || p.Fallback.Reason != protocol.FallbackStatus {
		t.Errorf("generation %d became %d, for %+v", generation, p.Generation, p.Fallback)
	}
}

func TestRememberedNetworkNeedsNoSecondLesson(t *testing.T) {
	s := newStage(t, middlebox.Config{Mode: middlebox.Swallow})
	c := s.camera()
	a, err := device.New(c)
	if err != nil {
		t.Fatal(err)
	}
	words := new(strings.Builder)
	if err := a.Check(t.Context(), words); err != nil || !strings.Contains(words.String(), "the long poll works and is used; no WebSocket gets through: ") {
		t.Errorf("the check says %v\n%s", err, words)
	}
	id := s.agent(c)
	s.until(id, "the long poll", func(p protocol.Presence) bool { return p.Transport == protocol.TransportLongPoll })
	before := s.box.Meddled()
	again := c
	s.agent(again) // the same camera once more, as after a restart
	if got := s.box.Meddled(); got != before {
		t.Errorf("a WebSocket was tried %d times in a network that is known", got-before)
	}
}
