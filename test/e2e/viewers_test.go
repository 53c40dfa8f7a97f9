//go:build linux

package e2e

import (
	"fmt"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/rig"
)

func TestClosingOneOfThreeViewersLeavesTheOthers(t *testing.T) {
	s := enter(t)
	ctx := t.Context()
	a := s.agent("agent", "test:")
	pages := make(map[string]*browser.Page)
	for i := range 3 {
		name := fmt.Sprintf("viewer %d", i+1)
		token := need(s.api.Token(ctx, a.Device, name, time.Hour))(t)
		pages[name] = s.open(name, s.hub.WatchURL(a.Device, token.Token, ""))
	}
	for _, p := range pages {
		s.live(p, "direct")
	}
	closed := "viewer 2"
	session := s.sessionOf(a.Device, closed)
	for _, p := range pages {
		must(t, p.Mark(ctx))
	}
	began := time.Now()
	must(t, s.api.CloseSession(ctx, session.ID))
	need(pages[closed].Until(ctx, "closed", "", soon))(t)
	if took := time.Since(began); took > time.Second {
		t.Errorf("the picture was closed after %v, want 1 s at most", took)
	}
	wait(ctx, 300*time.Millisecond) // for what is counted already
	stopped := need(pages[closed].Frames(ctx))(t)

	for name, p := range pages {
		if name == closed {
			continue
		}
		s.live(p, "direct")
		if frames := need(p.Frames(ctx))(t); frames.StallMS > 1000 {
			t.Errorf("%s saw no new frame for %.0f ms while another was closed", name, frames.StallMS)
		}
	}
	if after := need(pages[closed].Frames(ctx))(t); after.Frames > stopped.Frames {
		t.Errorf("the closed page got %d more frames", after.Frames-stopped.Frames)
	}
	if state := need(pages[closed].State(ctx))(t); state.Reason != "closed_by_api" {
		t.Errorf("the closed page's reason is %q, want closed_by_api", state.Reason)
	}
	if record := need(s.api.Session(ctx, session.ID))(t); record.State != "ended" || record.Reason != "closed_by_api" {
		t.Errorf("the record is %s for %q, want ended for closed_by_api", record.State, record.Reason)
	}
}

// sessionOf returns the open session of the viewer with that name.
func (s *stage) sessionOf(device, viewer string) rig.Session {
	s.t.Helper()
	for _, session := range need(s.api.Sessions(s.t.Context(), device))(s.t) {
		if session.Viewer == viewer && session.State != "ended" {
			return session
		}
	}
	s.t.Fatalf("%s has no open session", viewer)
	return rig.Session{}
}
