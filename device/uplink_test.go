package device

import (
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestDeviceWithAWrongClockSignsWithTheHubs(t *testing.T) {
	for _, skew := range []time.Duration{time.Hour, -time.Hour, 50 * 365 * 24 * time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			h := newHub(t)
			c := settings(t, h)
			c.MinBackoff, c.MaxBackoff, c.RefusedBackoff = never, never, never // it must not wait
			r := run(t, c)
			key := within(t, "an enrolment", h.enrols).PublicKey
			w := h.hears()
			accept := func(string) bool { return true }
			_, err := auth.VerifyDevice(w.hello.Token, testDevice, key, accept, time.Now().Add(skew))
			if refusal := protocol.AsError(err); refusal == nil || refusal.Code != protocol.CodeClockSkew {
				t.Fatalf("the first token: got %v, want clock_skew", err)
			}
			w.refuses(protocol.AsError(err))
			w = h.hears()
			if _, err := auth.VerifyDevice(w.hello.Token, testDevice, key, accept, time.Now().Add(skew)); err != nil {
				t.Errorf("the second token: %v", err)
			}
			w.send(protocol.TypeWelcome, "", &protocol.Welcome{Link: "l", Key: "k", PingS: 20, Now: time.Now().Add(skew)})
			within(t, "readiness", r.ready)
		})
	}
}

func TestDeviceComesBackAsTheSameLink(t *testing.T) {
	h := newHub(t)
	r := run(t, settings(t, h))
	w := h.lives()
	if w.hello.Resume != nil {
		t.Errorf("the first hello resumes %+v", w.hello.Resume)
	}
	w.conn.Close()
	w = h.lives()
	if got := w.hello.Resume; got == nil || got.Link != "l-1" || got.Key != "k-1" {
		t.Errorf("the second hello resumes %+v, want l-1", got)
	}
	within(t, "readiness", r.ready)
	if err := r.ends(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	if len(r.ready) != 0 {
		t.Error("the device was ready twice")
	}
}

func TestResumedLinkReplaysWhatTheHubLacksAndSyncsNothing(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	answers := func(w *wire, id uint64) {
		t.Helper()
		for {
			e, _ := w.until(protocol.TypeError) // a sync is no chatter: it would fail the test
			if e.Re == id {
				return
			}
		}
	}
	for round := range 5 {
		first := w.ask("fashion", "", nil)
		answers(w, first)
		// This one the device answers into a socket that nobody reads any more.
		second := w.ask("fashion", "", nil)
		w.conn.Close()
		w = h.resumes(w)
		answers(w, second)
		if t.Failed() {
			t.Fatalf("in round %d", round)
		}
	}
}

func TestLinkThatTheHubResumesUnaskedIsGivenUp(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	w.conn.Close()
	w = h.hears()
	w.send(protocol.TypeWelcome, "", &protocol.Welcome{Link: "another", Key: "k", Node: "n", Resumed: true, PingS: 20, Now: time.Now()})
	w.ends()
	if w = h.lives(); w.hello.Resume != nil {
		t.Errorf("the next hello resumes %+v", w.hello.Resume)
	}
}

func TestEveryEndOfASocketIsFollowedByAnother(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	ends := []func(*wire){
		func(w *wire) { w.conn.Close() },
		func(w *wire) { w.closes(protocol.CloseGoingAway, "bye") },
		func(w *wire) { w.closes(protocol.CloseSuperseded, "") },
		func(w *wire) { w.closes(protocol.CloseBadToken, "") },
		func(w *wire) { w.refuses(protocol.Errorf(protocol.CodeRateLimited, "too much")) },
		func(w *wire) { _ = w.conn.WriteMessage(websocket.TextMessage, []byte("garbage")) },
		func(w *wire) {
			_ = w.conn.WriteMessage(websocket.TextMessage, []byte(`{"type":"closed","seq":99,"session":"x"}`))
		},
		func(w *wire) {
			_ = w.conn.WriteMessage(websocket.BinaryMessage, make([]byte, 2*protocol.MaxMessageBytes))
		},
	}
	for _, end := range ends {
		end(h.hears()) // before the welcome
		end(h.lives()) // and after it
	}
	h.lives()
}

func TestGoodbyeIsSaidAndHeardOut(t *testing.T) {
	h := newHub(t)
	r := run(t, settings(t, h))
	w := h.lives()
	r.stop()
	w.until(protocol.TypeBye)
	w.conn.Close()
	if err := r.ended(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
}

func TestUnknownRequestIsRefusedAndUnknownMessageIsNot(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	w.put(protocol.Envelope{Type: "fashion", Data: []byte(`{}`)})
	w.put(protocol.Envelope{Type: "fashion", ID: 7})
	e, body := w.until(protocol.TypeError)
	refusal, ok := body.(*protocol.Error)
	if !ok || e.Re != 7 || refusal.Code != protocol.CodeUnknownType {
		t.Errorf("got %+v with %v, want unknown_type about request 7", body, e)
	}
}

func TestOverflowingLinkIsGivenUp(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	c.Link = link.Config{MaxUnacked: 3}
	run(t, c)
	w := h.lives()
	for n := range 5 { // each answer stays unacknowledged: this end writes what it would not by itself
		message := []byte(`{"type":"fashion","id":` + string(rune('1'+n)) + `}`)
		if err := w.conn.WriteMessage(websocket.TextMessage, message); err != nil {
			break // it has seen enough
		}
	}
	w.ends()
	h.lives()
}

func TestLogHasNoSecrets(t *testing.T) {
	h := newHub(t)
	var log kept
	c := settings(t, h)
	c.Logger = log.logger()
	c.Cameras[0].Source = "rtsp://user:hunter2@127.0.0.1:1/"
	c.Cameras[0].Warm = true
	r := run(t, c)
	w := h.lives()
	token := w.hello.Token
	w.conn.Close()
	h.lives()
	if err := r.ends(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	text := log.String()
	if !strings.Contains(text, "link up") {
		t.Fatalf("the log is %q", text)
	}
	for _, secret := range []string{"hunter2", testCode, token, "k-1", "PRIVATE KEY"} {
		if strings.Contains(text, secret) {
			t.Errorf("the log has %q: %s", secret, text)
		}
	}
}
