//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"

	"github.com/sightline-rtc/sightline/test/rig"
)

const glassHelp = `usage: sightline-bench glass [flags]

Measures how old pictures are when they come on the screen: real Chromium, server and agent in network namespaces joined by a
bridge, on one clock. The agent's test picture (1280x720, 30 frames/s) carries the time at which it was drawn; the page reads
it from each picture that the browser presents.

`

// glassReport is what `glass --json` prints; times are in milliseconds.
type glassReport struct {
	Path     string  `json:"path"`
	Pictures int     `json:"pictures"`
	P50      float64 `json:"p50_ms"`
	P95      float64 `json:"p95_ms"`
	Longest  float64 `json:"max_ms"`
}

// glass measures from the drawing of a picture to the screen.
func glass(ctx context.Context, args []string, out, log io.Writer) error {
	flags := flagsOf("glass", glassHelp, log)
	pictures := flags.Int("pictures", 600, "pictures to look at")
	relay := flags.Bool("relay", false, "let the picture go through the relay")
	asJSON := flags.Bool("json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%q is no flag: %w", flags.Arg(0), flag.ErrHelp)
	}
	if *pictures < 1 {
		return errors.New("--pictures must be 1 or more")
	}
	report := glassReport{Path: "direct", Pictures: *pictures}
	if *relay {
		report.Path = "relay"
	}
	ages, err := pictureAges(ctx, report.Path, *pictures, log)
	if err != nil {
		return err
	}
	report.P50, report.P95, report.Longest = percentile(ages, 50), percentile(ages, 95), percentile(ages, 100)
	if *asJSON {
		return json.NewEncoder(out).Encode(report)
	}
	_, err = fmt.Fprintf(out, "test picture 1280x720 at 30 frames/s to the screen, %s path, %d pictures: p50 %.0f ms, p95 %.0f ms, longest %.0f ms\n",
		report.Path, report.Pictures, report.P50, report.P95, report.Longest)
	return err
}

func pictureAges(ctx context.Context, path string, pictures int, log io.Writer) (ages []float64, err error) {
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
	hub, err := r.Hub(ctx)
	if err != nil {
		return nil, err
	}
	agent, err := r.Agent(ctx, hub, "agent", "test:?size=1280x720&fps=30")
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
	query := ""
	if path == "relay" {
		query = "?ice=relay"
	}
	page, err := chromium.Open(ctx, "viewer", hub.WatchURL(agent.Device, token, query))
	if err != nil {
		return nil, err
	}
	if _, err := page.Until(ctx, "live", path, patience); err != nil {
		return nil, err
	}
	if _, err := page.Grow(ctx, 60, patience); err != nil { // the start is firstframe's
		return nil, err
	}
	return page.Ages(ctx, pictures)
}
