//go:build linux

package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sightline-rtc/sightline/test/rig"
)

// A WHEP player of somebody else's, unmodified, shows our camera, also while the hub is away, and deletes its session; it hears
// of a camera that is offline.
func TestAWHEPPlayerShowsACamera(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:")
	endpoint := s.hub.URL + "/v1/devices/" + a.Device + "/whep"
	page := s.open("viewer", s.hub.URL+"/healthz")
	must(t, page.WHEP(t.Context()))
	must(t, page.WatchWHEP(t.Context(), endpoint, s.token(a.Device)))
	need(page.Grow(t.Context(), 30, soon))(t)
	session := s.taken(s.session(a.Device).ID, "direct")
	if session.State != "answered" {
		t.Errorf("got the session %+v", session)
	}

	s.hub.Kill()
	must(t, s.hub.Start(t.Context()))
	need(page.Grow(t.Context(), 30, soon))(t)
	must(t, page.UnloadWHEP(t.Context()))
	eventually(t, "the session has ended", func() (rig.Session, error) { return s.api.Session(t.Context(), session.ID) },
		func(r rig.Session) bool { return r.State == "ended" })

	a.Kill()
	eventually(t, "the player hears that the camera is offline", func() (int, error) {
		if err := page.WatchWHEP(t.Context(), endpoint, s.token(a.Device)); err != nil {
			return 0, err
		}
		return page.WHEPFailures(t.Context())
	}, func(n int) bool { return n > 0 })
}

// A backend with a browser's whole offer gets the camera's whole answer from one request (POST /v1/sessions).
func TestABackendsOfferIsAnsweredWithAPicture(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:")
	page := s.open("viewer", s.hub.URL+"/healthz")
	var offer string
	must(t, page.Evaluate(t.Context(), wholeOffer, &offer))
	var opened struct{ Session, Answer string }
	must(t, s.api.Do(t.Context(), http.MethodPost, "/v1/sessions", map[string]string{"device": a.Device, "offer": offer}, &opened))
	answer := need(json.Marshal(map[string]string{"type": "answer", "sdp": opened.Answer}))(t)
	must(t, page.Evaluate(t.Context(), `pc.setRemoteDescription(`+string(answer)+`)`, nil))
	need(page.Grow(t.Context(), 30, soon))(t)
	must(t, s.api.CloseSession(t.Context(), opened.Session))
	eventually(t, "the camera hangs up", func() (state string, err error) {
		err = page.Evaluate(t.Context(), `pc.connectionState`, &state)
		return state, err
	}, func(state string) bool { return state == "closed" || state == "disconnected" || state == "failed" })
}

// wholeOffer makes a peer connection that wants a picture, and returns its offer once it has all candidates.
const wholeOffer = `(async () => {
	globalThis.pc = new RTCPeerConnection();
	pc.addTransceiver("video", { direction: "recvonly" });
	pc.ontrack = ({ track }) => {
		const video = Object.assign(document.createElement("video"), { muted: true, autoplay: true, srcObject: new MediaStream([track]) });
		document.body.append(video);
	};
	const gathered = new Promise((resolve) => {
		pc.onicegatheringstatechange = () => pc.iceGatheringState === "complete" && resolve();
	});
	await pc.setLocalDescription();
	await gathered;
	return pc.localDescription.sdp;
})()`
