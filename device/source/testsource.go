package source

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/media"
)

// cardGOP is the longest distance between two keyframes of the test source.
const cardGOP = 4 * time.Second

// testSource makes the test card and the beep.
type testSource struct {
	name               string
	width, height, fps int
}

// openTest reads "fps=30&size=640x360".
func openTest(query string, cfg Config) (Source, error) {
	s := &testSource{name: cfg.Name, width: 640, height: 360, fps: 30}
	values, err := url.ParseQuery(query)
	if err != nil {
		return nil, fmt.Errorf("source test: bad options %q", query)
	}
	for key := range values {
		switch value := values.Get(key); key {
		case "fps":
			if s.fps, err = strconv.Atoi(value); err != nil || s.fps < 1 || s.fps > 60 {
				return nil, fmt.Errorf("source test: fps is a number from 1 to 60, not %q", value)
			}
		case "size":
			if s.width, s.height, err = parseSize(value); err != nil {
				return nil, err
			}
		default:
			return nil, fmt.Errorf("source test: unknown option %q; there are fps and size", key)
		}
	}
	return s, nil
}

func parseSize(s string) (width, height int, err error) {
	if n, err := fmt.Sscanf(s, "%dx%d", &width, &height); err != nil || n != 2 || fmt.Sprintf("%dx%d", width, height) != s {
		return 0, 0, fmt.Errorf("source test: size is like 640x360, not %q", s)
	}
	if width < minCardWidth || height < minCardHeight || width > maxCardWidth || height > maxCardHeight || width%2+height%2 > 0 {
		return 0, 0, fmt.Errorf("source test: size is even and from %dx%d to %dx%d, not %s",
			minCardWidth, minCardHeight, maxCardWidth, maxCardHeight, s)
	}
	return width, height, nil
}

// String implements Source.
func (s *testSource) String() string {
	return fmt.Sprintf("test:?fps=%d&size=%dx%d", s.fps, s.width, s.height)
}

// Run implements Source. It ends with ctx only.
func (s *testSource) Run(ctx context.Context, sink Sink) error {
	sink.Start(Tracks{Sound: &media.AudioFormat{Codec: media.CodecPCMU, ClockRate: beepRate, Channels: 1}})
	var wanted atomic.Bool
	sink.SetKeyframer(func() { wanted.Store(true) })
	defer sink.SetKeyframer(nil)

	start := time.Now()
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error { return s.pictures(ctx, sink, start, &wanted) })
	g.Go(func() error { return beeps(ctx, sink, start) })
	return g.Wait()
}

func (s *testSource) pictures(ctx context.Context, sink Sink, start time.Time, wanted *atomic.Bool) error {
	card := newCard(s.width, s.height, s.fps, s.name)
	gop := int(cardGOP/time.Second) * s.fps
	sinceKey := gop
	t := newMetronome(start)
	defer t.stop()
	for n := 0; ; n++ {
		pts := time.Duration(n) * time.Second / time.Duration(s.fps)
		late, err := t.wait(ctx, pts)
		if err != nil {
			return err
		}
		if late > time.Second {
			// The machine slept: go on with the present.
			n += int(late * time.Duration(s.fps) / time.Second)
			continue
		}
		key := wanted.Swap(false) || sinceKey >= gop
		sinceKey++
		if key {
			sinceKey = 1
		}
		nalus := card.frame(n, time.Now(), key)
		sink.WriteVideo(media.AccessUnit{NALUs: nalus, PTS: pts, Key: key})
	}
}

func beeps(ctx context.Context, sink Sink, start time.Time) error {
	b := newBeeper()
	t := newMetronome(start)
	defer t.stop()
	for pts := time.Duration(0); ; pts += beepFrame {
		late, err := t.wait(ctx, pts)
		if err != nil {
			return err
		}
		if late > time.Second {
			pts += late.Truncate(beepFrame)
			continue
		}
		sink.WriteAudio(media.AudioFrame{Payload: b.frame(start.Add(pts)), PTS: pts})
	}
}
