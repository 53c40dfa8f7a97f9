//go:build linux

package browser

import (
	"encoding/base64"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
)

func TestTheProbeSeesAPictureRunAndStop(t *testing.T) {
	b := start(t)
	p := open(t, b, "one")
	state, err := p.Until(t.Context(), "live", "direct", 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if state.State != "live" || state.DataState != "live" || state.DataPath != "direct" {
		t.Errorf("got %+v, want live and direct", state)
	}
	frames, err := p.Grow(t.Context(), 30, 20*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	m := frames.Milestones
	if m.Peer <= 0 || m.Answer < m.Peer || min(m.ICE, m.Connected, m.Frame) < m.Answer {
		t.Errorf("got the milestones %+v, want the peer connection, the answer, then the rest", m)
	}
	if frames.Width != 320 || frames.Height != 240 {
		t.Errorf("got %+v, want 320x240", frames)
	}
	path, err := p.Path(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if len(path.Pairs) == 0 || path.Pairs[0].Relayed() || path.Pairs[0].At < path.Began || len(path.Restarts) > 0 {
		t.Errorf("got %+v, want a pair without a relay after the beginning, and no restart", path)
	}
	blinks, err := p.Moves(t.Context(), Region{0.1, 0.1, 0.2, 0.2}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	still, err := p.Moves(t.Context(), Region{0.7, 0.7, 0.2, 0.2}, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if blinks < 0.5 || still > 0.01 {
		t.Errorf("%.2f of the blinking quarter moves and %.2f of the still one, want 1 and 0", blinks, still)
	}

	if err := p.Evaluate(t.Context(), "freeze()", nil); err != nil {
		t.Fatal(err)
	}
	if _, err := p.Grow(t.Context(), 30, 2*time.Second); err == nil {
		t.Error("frames grow although the sender has closed")
	}
	frames, err = p.Frames(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if frames.StallMS < 1000 {
		t.Errorf("the picture stood for %.0f ms, want more than a second", frames.StallMS)
	}
}

func TestTextIsWhatAPersonCanRead(t *testing.T) {
	p := open(t, start(t), "one")
	text, err := p.Reads(t.Context(), "one moment", 10*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(text, "unseen") || strings.Contains(text, "RTCPeerConnection") {
		t.Errorf("read %q, want neither hidden text nor scripts", text)
	}
}

func TestErrorsNameTheCommandAndThePage(t *testing.T) {
	b := start(t)
	p := open(t, b, "one")
	if err := p.Close(t.Context()); err != nil {
		t.Fatal(err)
	}
	_, err := p.State(t.Context())
	if want := "state page one: page one is not open"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

func start(t *testing.T) *Browser {
	t.Helper()
	for _, missing := range []error{natlab.Usable(), Usable(".")} {
		if missing != nil && os.Getenv("CI") != "" {
			t.Fatal(missing)
		}
		if missing != nil {
			t.Skip(missing)
		}
	}
	lab, err := natlab.New(t.Context(), "viewer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := lab.Close(); err != nil {
			t.Error(err)
		}
	})
	b, err := Start(t.Context(), Config{Host: lab.Host("viewer"), Folder: ".", Log: t.Output()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func open(t *testing.T, b *Browser, name string) *Page {
	t.Helper()
	html, err := os.ReadFile("testdata/camera.html")
	if err != nil {
		t.Fatal(err)
	}
	p, err := b.Open(t.Context(), name, "data:text/html;base64,"+base64.StdEncoding.EncodeToString(html))
	if err != nil {
		t.Fatal(err)
	}
	return p
}
