//go:build linux

package e2e

import (
	"maps"
	"testing"

	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

func TestAKilledHubDoesNotTouchThePictureWhicheverEndComesBackFirst(t *testing.T) {
	t.Run("agent first", func(t *testing.T) {
		v := beginViewing(t)
		v.hubRestarts(v.agentIsBack, v.stage.Viewer)
	})
	t.Run("viewer first", func(t *testing.T) {
		v := beginViewing(t)
		v.hubRestarts(v.pageIsBack, v.stage.Camera)
	})
}

// viewing is one live session that a test disturbs.
type viewing struct {
	stage      *stage
	t          *testing.T
	agent      *rig.Agent
	page       *browser.Page
	session    rig.Session
	generation uint64 // of the agent's link before the disturbance
}

func beginViewing(t *testing.T) *viewing {
	t.Helper()
	s := enter(t)
	a := s.agent("agent", "test:")
	p := s.watch("viewer", a, "", "direct")
	return &viewing{
		stage: s, t: t, agent: a, page: p, session: s.session(a.Device),
		generation: need(s.api.Device(t.Context(), a.Device))(t).Presence.Generation,
	}
}

// hubRestarts kills the hub and starts it again, while the late host cannot reach it until the first end is back.
func (v *viewing) hubRestarts(firstIsBack func(), late *natlab.Host) {
	v.t.Helper()
	s, ctx := v.stage, v.t.Context()
	must(v.t, v.page.Mark(ctx))
	s.hub.Kill()
	v.pageSays("link_lost")
	cut := need(s.Lab.Cut(ctx, late, s.Server, ""))(v.t)
	must(v.t, s.hub.Start(ctx))
	firstIsBack()
	must(v.t, cut.Mend(ctx))
	v.agentIsBack()
	v.pageIsBack()

	if after := s.session(v.agent.Device); after.ID != v.session.ID {
		v.t.Errorf("after the restart the session is %s, want %s still", after.ID, v.session.ID)
	}
	frames := need(v.page.Frames(ctx))(v.t)
	if frames.StallMS >= 1000 {
		v.t.Errorf("no new frame for %.0f ms, want not one frozen second", frames.StallMS)
	}
	if state := need(v.page.State(ctx))(v.t); state.DataState != "live" || state.DataPath != "direct" {
		v.t.Errorf("the element says %+v, want live and direct", state)
	}
	s.watch("another viewer", v.agent, "", "direct")

	// A row in the store alone could not do this: the hub and both ends know the session again.
	must(v.t, s.api.CloseSession(ctx, v.session.ID))
	need(v.page.Until(ctx, "closed", "", soon))(v.t)

	// Partners hear of both sessions, and of the camera nothing that is over as soon.
	told := map[record.EventKind]int{
		record.EventDeviceEnrolled: 1, record.EventDeviceOnline: 1,
		record.EventSessionOpened: 2, record.EventSessionLive: 2, record.EventSessionEnded: 1,
	}
	eventually(v.t, "the events", func() (counts map[record.EventKind]int, err error) {
		kinds, err := s.eventKinds(v.agent.Device)
		counts = map[record.EventKind]int{}
		for _, kind := range kinds {
			counts[kind]++
		}
		return counts, err
	}, func(counts map[record.EventKind]int) bool { return maps.Equal(counts, told) })
}

// agentIsBack waits until the hub knows a newer link of the agent.
func (v *viewing) agentIsBack() {
	v.t.Helper()
	eventually(v.t, "the agent's return", func() (rig.Device, error) {
		return v.stage.api.Device(v.t.Context(), v.agent.Device)
	}, func(d rig.Device) bool { return d.Presence.Status == "online" && d.Presence.Generation > v.generation })
}

// pageIsBack waits until the page has nothing to complain of.
func (v *viewing) pageIsBack() {
	v.t.Helper()
	v.pageSays("")
}

func (v *viewing) pageSays(reason string) {
	v.t.Helper()
	eventually(v.t, "the page's reason "+reason, func() (browser.State, error) {
		return v.page.State(v.t.Context())
	}, func(s browser.State) bool { return s.Reason == reason })
}
