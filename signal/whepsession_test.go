package signal

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	playerCandidate = "candidate:7 1 udp 2130706431 192.0.2.44 6000 typ host"
	trickled        = "a=ice-ufrag:play\r\na=ice-pwd:0123456789012345678901\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=" + playerCandidate + "\r\n"
	restarted       = "a=ice-ufrag:anew\r\na=ice-pwd:abcdefghijklmnopqrstuv\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=" + playerCandidate + "\r\n"
)

func TestCandidatesOfAPlayerReachTheDevice(t *testing.T) {
	th := newTheater(t, nil)
	rest := th.answering(t, th.device(t, camera), true)
	made := th.play(t)
	for name, body := range map[string]string{
		"with credentials":    trickled,
		"without":             "m=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=" + playerCandidate + "\r\n",
		"the name twice":      strings.Replace(trickled, "a=candidate:", "a=candidate:candidate:", 1),
		"for any ICE session": trickled,
	} {
		match := made.Header.Get("ETag")
		if strings.HasPrefix(name, "for any") {
			match = "*"
		}
		if got := th.patch(t, made, body, "If-Match", match); got.StatusCode != http.StatusNoContent || got.text != "" {
			t.Errorf("%s: got %s %q", name, got.Status, got.text)
		}
		want := protocol.Candidate{Revision: 1, Candidate: playerCandidate, Mid: "0", Ufrag: "play"}
		if c := trickledBy(t, next(t, rest, protocol.TypeCandidate)); *c != want {
			t.Errorf("%s: the device got %+v", name, c)
		}
	}
	if got := th.patch(t, made, "a=end-of-candidates\r\n", "If-Match", made.Header.Get("ETag")); got.StatusCode != http.StatusNoContent {
		t.Errorf("the end: got %s", got.Status)
	}
	if c := trickledBy(t, next(t, rest, protocol.TypeCandidate)); c.Candidate != "" {
		t.Errorf("the device got %+v, want the end", c)
	}
	grant := th.row(made.id(t)).DeviceGrant
	if !strings.Contains(fmt.Sprint(th.peersOf(grant)), "192.0.2.44:6000") {
		t.Errorf("the device's relay may talk to %v", th.peersOf(grant))
	}
}

func trickledBy(t *testing.T, m message) *protocol.Candidate {
	t.Helper()
	return body[*protocol.Candidate](t, m)
}

func TestPatchesAreRefusedWithTheirStatus(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	made := th.play(t)
	etag := made.Header.Get("ETag")
	for name, test := range map[string]struct {
		kind, body, match string
		status            int
	}{
		"no If-Match":       {whep.FragmentType, trickled, "", http.StatusPreconditionRequired},
		"another ETag":      {whep.FragmentType, trickled, `"other"`, http.StatusPreconditionFailed},
		"a weak ETag":       {whep.FragmentType, trickled, "W/" + etag, http.StatusPreconditionFailed},
		"SDP":               {"application/sdp", trickled, etag, http.StatusUnsupportedMediaType},
		"JSON":              {whep.FragmentType, `{"candidate":""}`, etag, http.StatusBadRequest},
		"empty":             {whep.FragmentType, "", etag, http.StatusBadRequest},
		"half a restart":    {whep.FragmentType, "a=ice-ufrag:anew\r\n", "*", http.StatusBadRequest},
		"too large":         {whep.FragmentType, strings.Repeat("a=x\r\n", maxFragmentBytes/4), etag, http.StatusRequestEntityTooLarge},
		"one of several":    {whep.FragmentType, trickled, `"other", ` + etag, http.StatusNoContent},
		"an old one beside": {whep.FragmentType, restarted, `"other"`, http.StatusPreconditionFailed},
	} {
		t.Run(name, func(t *testing.T) {
			headers := []string{"Content-Type", test.kind}
			if test.match != "" {
				headers = append(headers, "If-Match", test.match)
			}
			got := th.request(t, http.MethodPatch, made.Header.Get("Location"), test.body, headers...)
			if got.StatusCode != test.status {
				t.Errorf("got %s %s", got.Status, got.text)
			}
			if got.StatusCode != http.StatusNoContent {
				got.problem(t)
			}
		})
	}
	location := made.Header.Get("Location")
	for name, path := range map[string]string{
		"another secret":  location[:len(location)-1] + string('0'+(location[len(location)-1]-'0'+1)%8),
		"no secret":       strings.TrimSuffix(location, location[strings.LastIndexByte(location, '.'):]),
		"another camera":  strings.Replace(location, string(camera), string(other), 1),
		"no such session": protocol.WHEPPath(camera) + "/" + string(sessionID(99)) + "." + owner,
	} {
		if got := th.request(t, http.MethodPatch, path, trickled, "Content-Type", whep.FragmentType, "If-Match", etag); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: PATCH got %s", name, got.Status)
		}
		if got := th.request(t, http.MethodDelete, path, ""); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s: DELETE got %s", name, got.Status)
		}
	}
	for range 2 * patchBurst {
		if got := th.patch(t, made, "a=end-of-candidates\r\n", "If-Match", etag); got.StatusCode == http.StatusTooManyRequests {
			return
		}
	}
	t.Error("any number of requests is taken")
}

func TestAnICERestartBringsNewCredentialsAndAnotherETag(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	made := th.play(t)
	got := th.patch(t, made, restarted, "If-Match", "*")
	want := "a=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\na=mid:0\r\na=ice-ufrag:dev2\r\na=ice-pwd:9876543210987654321098\r\na=" +
		deviceCandidate + "\r\na=end-of-candidates\r\n"
	if diff := cmp.Diff(want, got.text); got.StatusCode != http.StatusOK || got.Header.Get("Content-Type") != whep.FragmentType || diff != "" {
		t.Errorf("got %s, %v, -want +got:\n%s", got.Status, got.Header, diff)
	}
	etag := got.Header.Get("ETag")
	if etag == made.Header.Get("ETag") || !strings.HasPrefix(etag, `"`) {
		t.Errorf("got ETag %s after %s", etag, made.Header.Get("ETag"))
	}
	if old := th.patch(t, made, trickled, "If-Match", made.Header.Get("ETag")); old.StatusCode != http.StatusPreconditionFailed {
		t.Errorf("a candidate of the old ICE session: %s", old.Status)
	}
	if fresh := th.patch(t, made, strings.Replace(restarted, ":7 ", ":8 ", 1), "If-Match", etag); fresh.StatusCode != http.StatusNoContent {
		t.Errorf("a candidate of the new ICE session: %s", fresh.Status)
	}
}

func TestAPlayerNeedNotWaitForAnICERestart(t *testing.T) {
	th := newTheater(t, nil)
	d := th.device(t, camera)
	over := make(chan struct{})
	th.pumps.Go(func() {
		defer close(over)
		th.answered(d, d.await(protocol.TypeInvite), true)
	})
	made := th.play(t)
	<-over
	hung := make(chan reply, 1)
	th.pumps.Go(func() { hung <- th.patch(t, made, restarted, "If-Match", "*") })
	offer := d.await(protocol.TypeDescribe) // which it does not answer yet
	if got := th.patch(t, made, trickled, "If-Match", made.Header.Get("ETag")); got.StatusCode != http.StatusNoContent {
		t.Errorf("a candidate meanwhile: %s", got.Status)
	}
	if got := th.patch(t, made, restarted, "If-Match", "*"); got.StatusCode != http.StatusTooManyRequests {
		t.Errorf("another restart meanwhile: %s", got.Status)
	}
	th.answered(d, offer, true)
	if got := <-hung; got.StatusCode != http.StatusOK {
		t.Errorf("the restart: %s", got.Status)
	}
}

func TestDeleteEndsTheSession(t *testing.T) {
	th := newTheater(t, nil)
	rest := th.answering(t, th.device(t, camera), true)
	made := th.play(t)
	if got := th.request(t, http.MethodDelete, made.Header.Get("Location"), "", "If-Match", `"other"`); got.StatusCode != http.StatusOK {
		t.Errorf("got %s", got.Status)
	}
	if c := body[*protocol.Closed](t, next(t, rest, protocol.TypeClosed)); c.Reason != protocol.ReasonViewerLeft {
		t.Errorf("the device heard %s", c.Reason)
	}
	if row := th.row(made.id(t)); row.Reason != protocol.ReasonViewerLeft {
		t.Errorf("the row has reason %q", row.Reason)
	}
	th.until(t, "nothing of the player is left", func() bool { return th.hub.Counts() == Counts{Devices: 1} && th.alive() == 0 })
	for _, method := range []string{http.MethodDelete, http.MethodPatch} {
		if got := th.request(t, method, made.Header.Get("Location"), trickled, "Content-Type", whep.FragmentType, "If-Match", "*"); got.StatusCode != http.StatusNotFound {
			t.Errorf("%s again: %s", method, got.Status)
		}
	}
}

func TestASessionThatTheDeviceEndsIsNoResourceAnyMore(t *testing.T) {
	th := newTheater(t, nil)
	d := th.device(t, camera)
	th.answering(t, d, true)
	made := th.play(t)
	d.post(protocol.TypeClose, made.id(t), &protocol.Close{Reason: protocol.ReasonICEFailed})
	th.until(t, "the resource is gone", func() bool {
		return th.patch(t, made, trickled, "If-Match", "*").StatusCode == http.StatusNotFound
	})
	if got := th.hub.Counts(); got.Viewers != 0 {
		t.Errorf("got %+v", got)
	}
}

func TestAResourceOfAnEarlierProcessCanBeDeleted(t *testing.T) {
	th := newTheater(t, nil)
	th.answering(t, th.device(t, camera), true)
	made := th.play(t)
	th.stop(t)
	if row := th.row(made.id(t)); !row.Ended.IsZero() {
		t.Fatalf("the session ended with the hub: %s", row.Reason)
	}
	th.start(t)
	if got := th.patch(t, made, trickled, "If-Match", made.Header.Get("ETag")); got.StatusCode != http.StatusNotFound {
		t.Errorf("PATCH: %s", got.Status)
	}
	if got := th.request(t, http.MethodDelete, made.Header.Get("Location")+"0", ""); got.StatusCode != http.StatusNotFound {
		t.Errorf("DELETE with another secret: %s", got.Status)
	}
	if got := th.request(t, http.MethodDelete, made.Header.Get("Location"), ""); got.StatusCode != http.StatusOK {
		t.Errorf("DELETE: %s", got.Status)
	}
	if row := th.row(made.id(t)); row.Reason != protocol.ReasonViewerLeft {
		t.Errorf("the row has reason %q", row.Reason)
	}
}

func TestAPlayerIsToldThatTheCameraDoesNotAnswer(t *testing.T) {
	inBubble(t, nil, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		offer, err := whep.ReadOffer(playerOffer)
		if err != nil {
			t.Fatal(err)
		}
		viewer, err := s.keyring.Verify(s.token(t, nil), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		_, _, err = s.connecting(t, viewer, offer)
		if !errors.Is(err, &protocol.Error{Code: protocol.CodeTimeout}) {
			t.Errorf("got %v, want timeout", err)
		}
		if got := body[*protocol.Closed](t, d.await(protocol.TypeClosed)); got.Reason != protocol.ReasonTimeout {
			t.Errorf("the device heard %s", got.Reason)
		}
		if s.hub.whep.byToken[tokenName(viewer)] != 0 {
			t.Error("the token still counts the session")
		}
	})
}

func (s *stage) connecting(t *testing.T, viewer auth.Viewer, offer whep.Offer) (*call, string, error) {
	t.Helper()
	if !s.hub.enter() {
		t.Fatal("the hub is over")
	}
	defer s.hub.work.Done()
	return s.hub.connect(t.Context(), callConfig{viewer: viewer, door: protocol.TransportWHEP}, offer, answerWait, candidateWait)
}

func TestSessionsWithoutALinkLiveAsLongAsTheirTokenAndTheirMedia(t *testing.T) {
	inBubble(t, func(c *Config) { c.Lease = time.Hour }, func(t *testing.T, s *stage) {
		d := s.device(t, camera)
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		s.pumps.Go(func() {
			invite := d.await(protocol.TypeInvite)
			d.reply(invite, protocol.TypeReply, &protocol.Reply{})
			d.post(protocol.TypeDescribe, invite.Session, &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: deviceAnswer("dev1")})
			for ctx.Err() == nil {
				d.post(protocol.TypeStats, invite.Session, &protocol.Stats{Media: true, Bytes: 1})
				time.Sleep(protocol.MediaReport)
			}
		})
		viewer, err := s.keyring.Verify(s.token(t, func(v *auth.Viewer) { v.Expires = time.Now().Add(3 * time.Hour) }), time.Now())
		if err != nil {
			t.Fatal(err)
		}
		offer, err := whep.ReadOffer(playerOffer)
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := s.connecting(t, viewer, offer)
		if err != nil {
			t.Fatal(err)
		}
		time.Sleep(2*time.Hour + 30*time.Minute)
		if row := s.row(c.id); !row.Ended.IsZero() || !row.Expires.Equal(viewer.Expires) {
			t.Errorf("after hours the session expires at %s and ended with %q, the token at %s", row.Expires, row.Reason, viewer.Expires)
		}
		time.Sleep(31 * time.Minute)
		if row := s.row(c.id); row.Reason != protocol.ReasonExpired {
			t.Errorf("without its token the session has reason %q", row.Reason)
		}
		cancel()
		<-c.over
	})
}
