//go:build linux

package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/browser"
)

// A page and its camera talk without the hub: how the camera is, stills, the viewer's voice, renditions. What the camera has
// measured is in the API after its first report.
func TestAPersonUsesTheCameraBesideLooking(t *testing.T) {
	s := enter(t)
	heard := filepath.Join(t.TempDir(), "heard")
	a := s.agent("agent", "test:?size=1280x720", "--sub", "test:?size=640x360", "--talk", "exec:tee "+heard)
	s.chromium = need(s.Browser(t.Context(), "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
		"--unsafely-treat-insecure-origin-as-secure="+s.hub.URL))(t) // which browsers ask for before they open a microphone
	token := need(s.hub.Token(t.Context(), a.Device, "--grants", "view,audio,talk"))(t)
	p := s.open("viewer", s.hub.WatchURL(a.Device, token, ""))
	s.live(p, "direct")

	hearsOfTheCamera(s, p)
	keepsAStill(s, p)
	isHeard(s, p, heard)
	choosesThePicture(s, p)
	isInTheAPI(s, s.session(a.Device).ID)
}

// element is the page's, in a script.
const element = `document.querySelector("sightline-camera")`

func hearsOfTheCamera(s *stage, p *browser.Page) {
	s.t.Helper()
	camera := eventually(s.t, "the page hears of the camera", func() (c protocol.Camera, err error) {
		err = p.Evaluate(s.t.Context(), element+`.camera`, &c)
		return c, err
	}, func(c protocol.Camera) bool { return c.Source == protocol.SourceUp && len(c.Renditions) == 2 })
	best := camera.Renditions[0]
	if best.Name != protocol.RenditionMain || best.Width != 1280 || !camera.Snapshot || !camera.Talk || camera.PTZ {
		s.t.Errorf("the page hears of the camera %+v", camera)
	}
}

func keepsAStill(s *stage, p *browser.Page) {
	s.t.Helper()
	var poster struct{ Status, Bytes int }
	must(s.t, p.Evaluate(s.t.Context(), `performance.getEntriesByType("resource").filter((e) => e.name.includes("/v1/link/snapshot/"))
		.map((e) => ({Status: e.responseStatus, Bytes: e.decodedBodySize}))[0]`, &poster))
	// Zero is that of one that was given up because the live picture was faster.
	if poster.Status != http.StatusOK && poster.Status != 0 {
		s.t.Errorf("the poster was answered by %+v", poster)
	}
	var still struct{ Width, Height int }
	must(s.t, p.Evaluate(s.t.Context(), element+`.snapshot().then(createImageBitmap)
		.then(({width, height}) => ({Width: width, Height: height}))`, &still))
	if still.Width*9 != still.Height*16 {
		s.t.Errorf("the still is %+v", still)
	}
}

// isHeard proves that the microphone reaches the camera's loudspeaker while the page talks, and only then.
func isHeard(s *stage, p *browser.Page, file string) {
	s.t.Helper()
	const second = 16000 // bytes of it
	size := func() (int64, error) {
		info, err := os.Stat(file)
		if err != nil {
			return 0, err
		}
		return info.Size(), nil
	}
	if _, err := size(); err == nil {
		s.t.Error("the loudspeaker is open before anybody talks")
	}
	say := func(on bool, want string) {
		s.t.Helper()
		var talking struct{ State, Hint string }
		must(s.t, p.Evaluate(s.t.Context(), fmt.Sprintf(element+`.talk(%t).then(() => `+element+`.talking)`, on), &talking))
		if talking.State != want {
			s.t.Fatalf("the page says of its talking %+v, want %s", talking, want)
		}
	}
	say(true, "on")
	eventually(s.t, "a second of the microphone is heard", size, func(n int64) bool { return n > second })
	eventually(s.t, "more than silence", func() ([]byte, error) { return os.ReadFile(file) }, func(heard []byte) bool {
		return slices.ContainsFunc(heard, func(b byte) bool { return b != 0 })
	})
	say(false, "off")
	eventually(s.t, "nobody is heard any more", func() (c protocol.Camera, err error) {
		err = p.Evaluate(s.t.Context(), element+`.camera`, &c)
		return c, err
	}, func(c protocol.Camera) bool { return !c.Talking })
}

func choosesThePicture(s *stage, p *browser.Page) {
	s.t.Helper()
	for _, choice := range []struct {
		name  protocol.RenditionName
		width int
	}{{protocol.RenditionSub, 640}, {protocol.RenditionMain, 1280}} {
		must(s.t, p.Evaluate(s.t.Context(), `void (`+element+`.rendition = "`+string(choice.name)+`")`, nil))
		s.shows(p, choice.width)
	}
}

// shows waits until the picture is so many pixels wide, and runs.
func (s *stage) shows(p *browser.Page, width int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("a picture of %d pixels", width), func() (browser.Frames, error) { return p.Frames(s.t.Context()) },
		func(f browser.Frames) bool { return f.Width == width })
	need(p.Grow(s.t.Context(), 15, soon))(s.t)
}

func isInTheAPI(s *stage, session string) {
	s.t.Helper()
	type quality struct {
		Packets   uint64
		Rendition protocol.RenditionName
	}
	eventually(s.t, "the device's report is in the API", func() (q quality, err error) {
		var details struct {
			Ends struct {
				Device struct{ Quality json.RawMessage }
			}
		}
		if err := s.api.Do(s.t.Context(), http.MethodGet, "/v1/sessions/"+session, nil, &details); err != nil {
			return q, err
		}
		err = json.Unmarshal(details.Ends.Device.Quality, &q)
		return q, err
	}, func(q quality) bool { return q.Packets > 0 && q.Rendition == protocol.RenditionMain })
}
