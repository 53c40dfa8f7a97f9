//go:build linux

package e2e

import (
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/middlebox"
	"github.com/sightline-rtc/sightline/test/rig"
)

// door is by what somebody's link comes, and why.
type door struct {
	transport protocol.Transport
	fallback  protocol.FallbackReason
}

var direct = door{transport: protocol.TransportWebSocket}

func longPoll(why protocol.FallbackReason) door { return door{protocol.TransportLongPoll, why} }

// boxed is a middlebox with an agent and a page behind it.
type boxed struct {
	*stage
	box   *rig.Middlebox
	agent *rig.Agent
	page  *browser.Page
}

// everywhere is a stage whose hub can be reached through middleboxes, with a browser.
func everywhere(t *testing.T) *stage {
	t.Helper()
	s := bare(t)
	s.hub = need(s.HubEverywhere(t.Context()))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	s.chromium = need(s.Browser(t.Context()))(t)
	return s
}

// behind is the stage as a test sees it whose agent and page reach the hub through a middlebox of their own.
func (s *stage) behind(t *testing.T, config middlebox.Config) *boxed {
	t.Helper()
	box := need(s.Middlebox(t.Context(), s.hub, config))(t)
	return &boxed{stage: &stage{Rig: s.Rig, t: t, hub: box.Hub, api: s.api, chromium: s.chromium}, box: box}
}

// view starts the agent and opens the page, and waits for the picture.
func (b *boxed) view(name string) {
	b.t.Helper()
	b.agent = b.stage.agent("agent-"+name, "test:")
	b.page = b.watch(name, b.agent, "", "direct")
}

// agentComesBy waits until the API tells by which door the agent's link comes.
func (b *boxed) agentComesBy(want door) {
	b.t.Helper()
	eventually(b.t, "the agent's coming by "+string(want.transport), func() (rig.Device, error) {
		return b.api.Device(b.t.Context(), b.agent.Device)
	}, func(d rig.Device) bool {
		p := d.Presence
		return p.Status == "online" && p.Transport == string(want.transport) && p.Fallback.Reason == string(want.fallback)
	})
}

// pageComesBy waits until the page tells by which door its link comes.
func (b *boxed) pageComesBy(want door) {
	b.t.Helper()
	eventually(b.t, "the page's coming by "+string(want.transport), func() (browser.State, error) {
		return b.page.State(b.t.Context())
	}, func(s browser.State) bool {
		return s.Reason == "" && s.Transport == string(want.transport) && s.Fallback == string(want.fallback)
	})
}

// reachable proves that both ends' links work: a second viewer gets the picture, and the session ends when told to.
func (b *boxed) reachable() {
	b.t.Helper()
	session := b.session(b.agent.Device)
	must(b.t, b.api.CloseSession(b.t.Context(), session.ID))
	need(b.page.Until(b.t.Context(), "closed", "", soon))(b.t)
}

func TestThePictureComesThroughMiddleboxesAndBothSayHow(t *testing.T) {
	s := everywhere(t)
	for _, tt := range []struct {
		mode        middlebox.Mode
		agent, page door
	}{
		{middlebox.Pass, direct, direct},
		{middlebox.Answer, longPoll(protocol.FallbackStatus), longPoll(protocol.FallbackUnknown)},
		{middlebox.Swallow, longPoll(protocol.FallbackSilent), longPoll(protocol.FallbackSilent)},
		{middlebox.Forbid, longPoll(protocol.FallbackStatus), longPoll(protocol.FallbackUnknown)},
		{middlebox.Refuse, longPoll(protocol.FallbackUnreachable), longPoll(protocol.FallbackUnknown)},
		{middlebox.Buffer, longPoll(protocol.FallbackRefused), longPoll(protocol.FallbackUnknown)},
		{middlebox.Cut, longPoll(protocol.FallbackCut), longPoll(protocol.FallbackCut)},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			t.Parallel()
			b := s.behind(t, middlebox.Config{Mode: tt.mode})
			b.view(string(tt.mode))
			b.agentComesBy(tt.agent)
			b.pageComesBy(tt.page)
			b.reachable()
			if met := b.box.Meddled(); (met > 0) != (tt.mode != middlebox.Pass) {
				t.Errorf("the middlebox meddled %d times", met)
			}
		})
	}
}
