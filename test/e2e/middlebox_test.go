//go:build linux

package e2e

import (
	"net/netip"
	"strings"
	"testing"

	"github.com/google/uuid"

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

// reachable proves that the agent's link works still: another viewer gets the picture.
func (b *boxed) reachable() {
	b.t.Helper()
	b.watch("another behind "+b.hub.URL, b.agent, "", "direct")
}

// hears proves that the page's link works still: it hears of the end of its session.
func (b *boxed) hears() {
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
		// A page wants its welcome 5 s after it began, an agent 5 s after the socket has opened: each takes 3 s.
		{middlebox.Delay, direct, longPoll(protocol.FallbackSilent)},
	} {
		t.Run(string(tt.mode), func(t *testing.T) {
			t.Parallel()
			b := s.behind(t, middlebox.Config{Mode: tt.mode})
			b.view(string(tt.mode))
			b.agentComesBy(tt.agent)
			b.pageComesBy(tt.page)
			b.hears()
			b.reachable()
			if met := b.box.Meddled(); (met > 0) != (tt.mode != middlebox.Pass) {
				t.Errorf("the middlebox meddled %d times", met)
			}
		})
	}
}

func TestLinksGoOnWhereConnectionsAreResetAfter64KiB(t *testing.T) {
	s := everywhere(t)
	b := s.behind(t, middlebox.Config{})
	b.view("viewer") // the page alone has more than that
	b.box.Set(middlebox.Reset)
	must(t, b.page.Mark(t.Context()))
	w := s.wire()
	w.hello(s.token(b.agent.Device))
	for seq := uint64(1); b.box.Meddled() == 0; seq++ {
		w.send(protocol.TypeOpen, protocol.SessionID(uuid.NewString()), seq, &protocol.Open{
			Device: protocol.DeviceID(b.agent.Device), Owner: strings.Repeat("0", 32), Media: protocol.Media{Video: true},
			Offer: &protocol.Offer{Revision: 1, SDP: strings.Repeat("no description ", 3000)},
		})
		w.until(protocol.TypeClosed)
	}
	b.agentComesBy(direct)
	b.pageComesBy(direct)
	b.pictureWentOn()
	b.hears()
	b.reachable()
}

func TestALinkMovesToTheLongPollAndBackWhileThePictureGoesOn(t *testing.T) {
	s := everywhere(t)
	b := s.behind(t, middlebox.Config{})
	b.view("viewer")
	b.agentComesBy(direct)
	b.pageComesBy(direct)
	session := b.session(b.agent.Device)
	must(t, b.page.Mark(t.Context()))

	b.box.Set(middlebox.Forbid)
	b.agentComesBy(longPoll(protocol.FallbackStatus))
	b.pageComesBy(longPoll(protocol.FallbackUnknown))

	b.box.Set(middlebox.Pass)
	must(t, s.Camera.Add(t.Context(), netip.MustParseAddr("10.77.1.9"))) // a change of network is a reason to look again
	must(t, b.page.Evaluate(t.Context(), `window.dispatchEvent(new Event("online"))`, nil))
	b.agentComesBy(direct)
	b.pageComesBy(direct)
	b.pictureWentOn()
	if after := b.session(b.agent.Device); after.ID != session.ID {
		t.Errorf("the session is %s now, was %s", after.ID, session.ID)
	}
	b.hears()
	b.reachable()
}

func TestALinkGoesBackToTheWebSocketInItsOwnTime(t *testing.T) {
	s := everywhere(t)
	b := s.behind(t, middlebox.Config{Mode: middlebox.Forbid})
	b.agent = b.stage.agent("agent", "test:", "--door-retry", "2s")
	b.page = b.open("viewer", b.hub.WatchURL(b.agent.Device, b.token(b.agent.Device), ""))
	must(t, b.page.Evaluate(t.Context(), `(async () => {
		let camera;
		while (!(camera = sightlineProbe.element())) await new Promise(requestAnimationFrame);
		camera.remove();
		camera.linkOptions = { fallback: { probes: [2000] } };
		document.body.append(camera);
	})()`, nil))
	b.live(b.page, "direct")
	b.agentComesBy(longPoll(protocol.FallbackStatus))
	b.pageComesBy(longPoll(protocol.FallbackUnknown))
	must(t, b.page.Mark(t.Context()))

	b.box.Set(middlebox.Pass)
	b.agentComesBy(direct)
	b.pageComesBy(direct)
	b.pictureWentOn()
	b.hears()
}

// pictureWentOn proves that no second of the picture has frozen since the mark.
func (b *boxed) pictureWentOn() {
	b.t.Helper()
	if frames := need(b.page.Frames(b.t.Context()))(b.t); frames.StallMS > 1000 {
		b.t.Errorf("no new frame for %.0f ms, want frames all the time", frames.StallMS)
	}
	b.live(b.page, "direct")
}

func TestAPageThatMovesToAnotherNetworkGoesOnWithItsLinkAndItsPicture(t *testing.T) {
	v := beginViewing(t)
	s := v.stage
	must(t, s.Viewer.Readdress(t.Context(), netip.MustParseAddr("10.77.3.9")))
	// Its old sockets are dead without a word; ICE is restarted over the link, which has to be there first.
	need(v.page.Grow(t.Context(), 90, later))(t)
	v.pageIsBack()
	s.live(v.page, "direct")
	if after := s.session(v.agent.Device); after.ID != v.session.ID {
		t.Errorf("the session is %s now, was %s", after.ID, v.session.ID)
	}
	must(t, s.api.CloseSession(t.Context(), v.session.ID))
	need(v.page.Until(t.Context(), "closed", "", soon))(t)
}

func TestAPageThatWasOffTheNetworkGoesOnWithItsLinkAndItsPicture(t *testing.T) {
	v := beginViewing(t)
	s := v.stage
	must(t, s.Viewer.Unplug(t.Context()))
	v.pageSays("link_lost")
	must(t, s.Viewer.Plug(t.Context()))
	v.pageIsBack()
	s.live(v.page, "direct")
	if after := s.session(v.agent.Device); after.ID != v.session.ID {
		t.Errorf("the session is %s now, was %s", after.ID, v.session.ID)
	}
}
