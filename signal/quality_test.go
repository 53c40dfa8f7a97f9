package signal

import (
	"encoding/json"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestWhatAnEndMeasuresIsKeptAsItsNewestWord(t *testing.T) {
	b := newBook()
	b.measure(protocol.RoleDevice, &protocol.Stats{
		Media: true, Packets: 900, Frames: 250, Retransmitted: 7, KeyframeRequests: 1, Dropped: 2, FPS: 25, BitrateKbps: 900,
		EstimateKbps: 2400, RTTMS: 12.5, Rendition: protocol.RenditionSub, RelayS: 9,
		Milestones: &protocol.Milestones{OfferMS: 1, AnswerMS: 15},
	}, noon, noon.Add(10*time.Second))
	b.measure(protocol.RoleDevice, &protocol.Stats{
		Media: true, Packets: 1900, Frames: 500, Lost: 3, Retransmitted: 7, KeyframeRequests: 1, Dropped: 2, FPS: 24,
		Rendition: protocol.RenditionMain, RelayS: 9, DirectS: 8.5, Last: true,
		Milestones: &protocol.Milestones{OfferMS: 2, KeyframeMS: 90},
	}, noon, noon.Add(20*time.Second))
	b.measure(protocol.RoleViewer, &protocol.Stats{Media: true, Frames: 499, Retransmitted: 5, RelayS: 3}, noon, noon.Add(20*time.Second))
	want := record.Quality{
		Told: noon.Add(20 * time.Second), Last: true, Packets: 1900, Frames: 500, Lost: 3, Retransmitted: 7, KeyframeRequests: 1,
		Dropped: 2, FPS: 24, Rendition: protocol.RenditionMain, Relay: 9 * time.Second, Direct: 8500 * time.Millisecond,
		Milestones: protocol.Milestones{OfferMS: 1, AnswerMS: 15, KeyframeMS: 90},
	}
	if diff := cmp.Diff(want, b.Device.Quality); diff != "" {
		t.Errorf("the device's (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(record.Quality{Told: want.Told, Frames: 499}, b.Viewer.Quality); diff != "" {
		t.Errorf("the viewer's (-want +got):\n%s", diff)
	}
}

func TestADeviceThatLiesTellsNothingThatCannotBe(t *testing.T) {
	b := newBook()
	now := noon.Add(time.Minute)
	b.measure(protocol.RoleDevice, &protocol.Stats{
		Frames: math.MaxUint64, Packets: math.MaxUint64, FPS: 1e300, BitrateKbps: -1, EstimateKbps: math.Inf(1), RTTMS: 1e300, JitterMS: math.NaN(),
		Rendition: "8k", DirectS: 1e9, RelayS: -1, Milestones: &protocol.Milestones{OfferMS: -5, DTLSMS: 1e300},
	}, noon, now)
	b.measure(protocol.RoleDevice, &protocol.Stats{DirectS: 1}, noon, now)
	want := record.Quality{
		Told: now, Frames: mostCounted, Packets: mostCounted, Direct: time.Minute, Milestones: protocol.Milestones{DTLSMS: 60_000},
	}
	if diff := cmp.Diff(want, b.Device.Quality); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	text, err := json.Marshal(b.Account)
	if err != nil {
		t.Fatal(err)
	}
	var again record.Account
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(*b.Account, again); diff != "" {
		t.Errorf("what is kept (-want +got):\n%s", diff)
	}
}
