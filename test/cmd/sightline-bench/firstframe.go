//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"math"
	"runtime"
	"text/tabwriter"
	"time"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/rig"
)

const (
	// gop is the camera's keyframe interval.
	gop = 2 * time.Second
	// settle is how long a closed page has before the next is opened.
	settle = 300 * time.Millisecond
	// patience is how long one page may take.
	patience = 30 * time.Second
)

// firstFrameReport is what `firstframe --json` prints; times are in milliseconds.
type firstFrameReport struct {
	CPUs    int                  `json:"cpus"`
	Path    string               `json:"path"`
	Cold    browser.Milestones   `json:"cold_ms"`
	Runs    []browser.Milestones `json:"runs_ms"`
	P50     float64              `json:"p50_ms"`
	P95     float64              `json:"p95_ms"`
	Longest float64              `json:"max_ms"`
}

// firstFrame opens the page again and again and notes when the browser presents the first frame. A presented frame has
// been decoded: the figure is on the safe side of what it is called after.
func firstFrame(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flag.NewFlagSet("firstframe", flag.ContinueOnError)
	flags.SetOutput(log)
	runs := flags.Int("runs", 20, "pages to open on the warm source")
	relay := flags.Bool("relay", false, "let no packet pass between browser and camera but through the relay, which nobody knows beforehand")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if *runs < 1 {
		return errors.New("--runs must be 1 or more")
	}
	path := "direct"
	if *relay {
		path = "relay"
	}
	times, err := measureFirstFrames(ctx, *runs, path, log)
	if err != nil {
		return err
	}
	report := firstFrameReport{CPUs: runtime.NumCPU(), Path: path, Cold: times[0], Runs: times[1:]}
	frames := report.steps(func(m browser.Milestones) float64 { return m.Frame })
	report.P50, report.P95, report.Longest = percentile(frames, 50), percentile(frames, 95), percentile(frames, 100)
	if *asJSON {
		return json.NewEncoder(out).Encode(report)
	}
	return report.table(out)
}

// measureFirstFrames returns the time of one page on a source that nobody has watched, then those of the runs, which
// find the source warm: the agent keeps it for a while after its last viewer.
func measureFirstFrames(ctx context.Context, runs int, path string, log io.Writer) (times []browser.Milestones, err error) {
	r, err := rig.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			_, _ = r.Log.WriteTo(log)
		}
		err = errors.Join(err, r.Close())
	}()
	camera, err := r.RTSPCamera(ctx)
	if err != nil {
		return nil, err
	}
	hub, err := r.Hub(ctx)
	if err != nil {
		return nil, err
	}
	agent, err := r.Agent(ctx, hub, "agent", camera.URL)
	if err != nil {
		return nil, err
	}
	token, err := hub.Token(ctx, agent.Device)
	if err != nil {
		return nil, err
	}
	chromium, err := r.Browser(ctx)
	if err != nil {
		return nil, err
	}
	if path == "relay" {
		if _, err := r.Lab.Cut(ctx, r.Camera, r.Viewer, ""); err != nil {
			return nil, err
		}
	}
	url := hub.WatchURL(agent.Device, token, "")
	for i := range 1 + runs {
		t, err := oneFirstFrame(ctx, chromium, fmt.Sprintf("run%d", i), url, path)
		if err != nil {
			return nil, err
		}
		times = append(times, t)
		fmt.Fprintf(log, "run %d of %d: %.0f ms\n", i, runs, t.Frame)
		if err := pause(ctx, settle+phase(i)); err != nil {
			return nil, err
		}
	}
	return times, nil
}

func oneFirstFrame(ctx context.Context, chromium *browser.Browser, name, url, path string) (m browser.Milestones, err error) {
	page, err := chromium.Open(ctx, name, url)
	if err != nil {
		return m, err
	}
	if _, err := page.Until(ctx, "live", path, patience); err != nil {
		return m, err
	}
	frames, err := page.Grow(ctx, 10, patience)
	if err != nil {
		return m, err
	}
	err = page.Close(ctx)
	return frames.Milestones, err
}

// phase spreads the runs evenly over the keyframe interval, so that none of it is left out by luck: the golden ratio's
// multiples never bunch.
func phase(run int) time.Duration {
	_, fraction := math.Modf(float64(run) / math.Phi)
	return time.Duration(fraction * float64(gop))
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (r firstFrameReport) table(out io.Writer) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintf(t, "page load to first frame, RTSP 720p30, GOP %v, %s path, %d CPUs\n", gop, r.Path, r.CPUs)
	fmt.Fprint(t, "\tp50\tp95\tlongest\tcold\tmeasured\n")
	fmt.Fprintf(t, "Sightline\t%.0f ms\t%.0f ms\t%.0f ms\t%.0f ms\there, %d runs\n", r.P50, r.P95, r.Longest, r.Cold.Frame, len(r.Runs))
	if r.Path != "relay" {
		fmt.Fprint(t, "go2rtc\t340-510 ms in half the runs, 2.0-2.1 s in the other half\t\t\t\tearlier, elsewhere\n")
	}
	fmt.Fprint(t, "\nof which, p50\tpeer connection\tanswer\tICE\tDTLS\tframe on the screen\n")
	for _, step := range steps {
		fmt.Fprintf(t, "\t%.0f ms", percentile(r.steps(step), 50))
	}
	fmt.Fprintln(t)
	return t.Flush()
}

// steps are the milestones in the order in which a page reaches them.
var steps = []func(browser.Milestones) float64{
	func(m browser.Milestones) float64 { return m.Peer },
	func(m browser.Milestones) float64 { return m.Answer },
	func(m browser.Milestones) float64 { return m.ICE },
	func(m browser.Milestones) float64 { return m.Connected },
	func(m browser.Milestones) float64 { return m.Frame },
}

// steps returns one milestone of every run.
func (r firstFrameReport) steps(step func(browser.Milestones) float64) []float64 {
	values := make([]float64, len(r.Runs))
	for i, m := range r.Runs {
		values[i] = step(m)
	}
	return values
}
