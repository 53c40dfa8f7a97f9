//go:build linux

package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/browser"
)

// A page and its camera talk without the hub: renditions, stills and how the camera is. What the camera has measured is in the
// API after its first report.
func TestAPersonChoosesThePictureAndKeepsAStill(t *testing.T) {
	s := enter(t)
	a := s.agent("agent", "test:?size=1280x720", "--sub", "test:?size=640x360")
	p := s.watch("viewer", a, "", "direct")
	camera := eventually(t, "the page hears of the camera", func() (c protocol.Camera, err error) {
		err = p.Evaluate(t.Context(), `document.querySelector("sightline-camera").camera`, &c)
		return c, err
	}, func(c protocol.Camera) bool { return c.Source == protocol.SourceUp && len(c.Renditions) == 2 })
	if best := camera.Renditions[0]; best.Name != protocol.RenditionMain || best.Width != 1280 || best.Height != 720 || !camera.Snapshot {
		t.Errorf("the page hears of the camera %+v", camera)
	}

	var poster struct{ Status, Bytes int }
	must(t, p.Evaluate(t.Context(), `performance.getEntriesByType("resource").filter((e) => e.name.includes("/v1/link/snapshot/"))
		.map((e) => ({Status: e.responseStatus, Bytes: e.decodedBodySize}))[0]`, &poster))
	// Zero is that of one that was given up because the live picture was faster.
	if poster.Status != http.StatusOK && poster.Status != 0 {
		t.Errorf("the poster was answered by %+v", poster)
	}
	var still struct{ Width, Height int }
	must(t, p.Evaluate(t.Context(), `document.querySelector("sightline-camera").snapshot().then(createImageBitmap)
		.then(({width, height}) => ({Width: width, Height: height}))`, &still))
	if still.Width != 1280 && still.Width != 640 {
		t.Errorf("the still is %+v", still)
	}

	for _, choice := range []struct {
		name  protocol.RenditionName
		width int
	}{{protocol.RenditionSub, 640}, {protocol.RenditionMain, 1280}} {
		must(t, p.Mark(t.Context()))
		must(t, p.Evaluate(t.Context(), `void (document.querySelector("sightline-camera").rendition = "`+string(choice.name)+`")`, nil))
		eventually(t, "the picture is "+string(choice.name), func() (browser.Frames, error) { return p.Frames(t.Context()) },
			func(f browser.Frames) bool { return f.Width == choice.width })
		need(p.Grow(t.Context(), 15, soon))(t)
	}

	session := s.session(a.Device)
	eventually(t, "the device's report is in the API", func() (q quality, err error) {
		var details struct {
			Ends struct{ Device struct{ Quality json.RawMessage } }
		}
		if err := s.api.Do(t.Context(), http.MethodGet, "/v1/sessions/"+session.ID, nil, &details); err != nil {
			return q, err
		}
		return q, json.Unmarshal(details.Ends.Device.Quality, &q)
	}, func(q quality) bool { return q.Packets > 0 && q.Rendition == protocol.RenditionMain })
}

// quality is what the test reads of an end's.
type quality struct {
	Packets   uint64
	Rendition protocol.RenditionName
}
