//go:build linux

package e2e

import (
	"context"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/soak"
)

func TestPagesThatWereInTheBackgroundGoOnWithTheirLinkAndTheirPicture(t *testing.T) {
	s := enter(t)
	s.chromium = need(s.EverydayBrowser(t.Context()))(t)
	hidden, frozen := s.viewing("hidden"), s.viewing("frozen")
	must(t, s.open("other", "about:blank").Front(t.Context()))
	hidden.isSeenAs("hidden")
	frozen.isSeenAs("hidden")

	must(t, frozen.page.Freeze(t.Context())) // now nothing at all runs in it, and the hub hears nothing of it
	wait(t.Context(), soak.Duration(20*time.Second, 100*time.Second))
	must(t, frozen.page.Thaw(t.Context()))
	frozen.comesToTheFront()

	wait(t.Context(), soak.Duration(0, 200*time.Second)) // five minutes in all
	hidden.comesToTheFront()
}

func (s *stage) viewing(name string) *viewing {
	s.t.Helper()
	a := s.agent("agent-"+name, "test:")
	p := s.watch(name, a, "", "direct")
	return &viewing{stage: s, t: s.t, agent: a, page: p, session: s.session(a.Device)}
}

// comesToTheFront brings the page back to the one who looks, and wants the same session with a picture that goes on.
func (v *viewing) comesToTheFront() {
	v.t.Helper()
	ctx := v.t.Context()
	must(v.t, v.page.Front(ctx))
	v.isSeenAs("visible")
	need(v.page.Grow(ctx, 30, soon))(v.t)
	v.stage.live(v.page, "direct")
	v.pageIsBack()
	if after := v.stage.session(v.agent.Device); after.ID != v.session.ID {
		v.t.Errorf("the session is %s now, was %s", after.ID, v.session.ID)
	}
	must(v.t, v.stage.api.CloseSession(ctx, v.session.ID))
	need(v.page.Until(ctx, "closed", "", soon))(v.t)
}

// isSeenAs waits until the page knows whether somebody looks at it.
func (v *viewing) isSeenAs(want string) {
	v.t.Helper()
	eventually(v.t, "the page's being "+want, func() (state string, err error) {
		err = v.page.Evaluate(v.t.Context(), "document.visibilityState", &state)
		return state, err
	}, func(state string) bool { return state == want })
}

// wait lets real time pass, which is what a test is about.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
