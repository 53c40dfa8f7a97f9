//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// viewReport is what `view --json` prints.
type viewReport struct {
	Viewers int `json:"viewers"`
	// FramesPerViewer is the mean.
	FramesPerViewer float64 `json:"frames_per_viewer"`
	FirstFrameP50MS float64 `json:"first_frame_p50_ms"`
	FirstFrameP95MS float64 `json:"first_frame_p95_ms"`
	Freezes         int     `json:"freezes"`
	// RTX are packets that came as retransmissions (RFC 4588), Bytes those of all RTP packets, headers included.
	RTX   int64 `json:"rtx"`
	Bytes int64 `json:"bytes"`
}

// viewOrder is what the flags of view ask for.
type viewOrder struct {
	scene  scene
	crowd  audienceOrder
	length time.Duration
	json   bool
}

// maxAudience is a little less than what a device may serve at most.
const maxAudience = 900

// audienceOrder says how many viewers look, and how.
type audienceOrder struct {
	viewers int
	// spread is the time over which they begin.
	spread time.Duration
	// loss is the share of the RTP packets that each loses, 0 to 1.
	loss float64
}

const viewHelp = `usage: sightline-bench view --url URL --device ID --token T [flags]
       sightline-bench view --whep URL [flags]

Headless viewers look at a camera of a Sightline server, or play a WHEP endpoint. Each counts what it would show: a
frame counts when all its packets are there, by the first way or by retransmission, and nothing that it refers to is
missing; after a loss that is not made good within 500 ms the next keyframe is waited for. Each watches for --seconds
from its first frame. first_frame_ms is from the viewer's beginning, before its link to the server is dialled and its
offer is made. A freeze is a time of more than 500 ms without a frame. The viewers begin one after the other, spread
evenly over --spread, so that they meet every part of a keyframe interval.

--loss drops that share of the incoming RTP packets, retransmissions too, before the viewer notices losses and asks for
them again. Viewers have host candidates only: no STUN server, no relay.

`

// view looks at a camera with many viewers.
func view(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := parseView(args, log)
	if err != nil {
		return err
	}
	a := newAudience(o.crowd, o.scene.signaling)
	seen, err := a.watch(ctx, o.length)
	if err != nil {
		return err
	}
	report := viewReportOf(seen)
	if o.json {
		return json.NewEncoder(out).Encode(report)
	}
	return report.table(out)
}

func parseView(args []string, log io.Writer) (o viewOrder, err error) {
	flags := flagsOf("view", viewHelp, log)
	o.scene.flags(flags)
	o.crowd.flags(flags)
	flags.IntVar(&o.crowd.viewers, "viewers", 1, "how many look")
	seconds := flags.Float64("seconds", 10, "how long each looks after its first frame")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.length = time.Duration(*seconds * float64(time.Second))
	if o.length < time.Second || o.length > time.Hour {
		return o, errors.New("--seconds is 1 to 3600")
	}
	return o, errors.Join(o.scene.check(), o.crowd.check())
}

func (o *audienceOrder) flags(flags *flag.FlagSet) {
	flags.DurationVar(&o.spread, "spread", gop, "`TIME` over which the viewers begin")
	flags.Func("loss", "`PERCENT` of the RTP packets that each viewer loses (default 0)", func(text string) error {
		_, err := fmt.Sscan(text, &o.loss)
		o.loss /= 100
		return err
	})
}

func (o *audienceOrder) check() error {
	switch {
	case o.viewers < 1 || o.viewers > maxAudience:
		return fmt.Errorf("--viewers is 1 to %d", maxAudience)
	case o.loss < 0 || o.loss > 0.9:
		return errors.New("--loss is 0 to 90")
	case o.spread < 0 || o.spread > time.Minute:
		return errors.New("--spread is 0 to 1m")
	}
	return nil
}

// scene is where the picture comes from: a device of a hub, or a WHEP endpoint.
type scene struct {
	url, device, token string
	whep               string
}

func (s *scene) flags(flags *flag.FlagSet) {
	flags.StringVar(&s.url, "url", "", "`URL` of the Sightline server")
	flags.StringVar(&s.device, "device", "", "`ID` of the camera")
	flags.StringVar(&s.token, "token", "", "viewer's `TOKEN` for the camera")
	flags.StringVar(&s.whep, "whep", "", "`URL` of a WHEP endpoint to play instead, such as http://HOST:1984/api/webrtc?src=NAME of go2rtc")
}

func (s *scene) check() error {
	switch {
	case s.whep != "" && (s.url != "" || s.device != "" || s.token != ""):
		return errors.New("--whep and --url exclude each other")
	case s.whep != "":
		return nil
	case s.url == "" || s.token == "":
		return errors.New("--url, --device and --token belong together; or play a --whep endpoint")
	case !protocol.DeviceID(s.device).Valid():
		return fmt.Errorf("--device %q is no device", s.device)
	}
	return nil
}

// signaling makes the way on which one viewer's offer goes out.
func (s *scene) signaling() signaling {
	if s.whep != "" {
		return &whepPlay{url: s.whep}
	}
	return &hubPlay{url: s.url, device: protocol.DeviceID(s.device), token: s.token}
}

func viewReportOf(seen []sighting) viewReport {
	r := viewReport{Viewers: len(seen)}
	var first []float64
	frames := 0
	for _, s := range seen {
		frames += s.frames
		r.Freezes += s.freezes
		r.RTX += s.rtx
		r.Bytes += s.bytes
		first = append(first, rounded(float64(s.firstFrame.Microseconds())/1000, 1))
	}
	r.FramesPerViewer = rounded(float64(frames)/float64(len(seen)), 1)
	r.FirstFrameP50MS, r.FirstFrameP95MS = percentile(first, 50), percentile(first, 95)
	return r
}

func (r viewReport) table(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "viewers\tframes a viewer\tfirst frame p50\tp95\tfreezes\tRTX\tbytes\n")
	fmt.Fprintf(t, "%d\t%.1f\t%.0f ms\t%.0f ms\t%d\t%d\t%d\n", r.Viewers, r.FramesPerViewer,
		r.FirstFrameP50MS, r.FirstFrameP95MS, r.Freezes, r.RTX, r.Bytes)
	return t.Flush()
}
