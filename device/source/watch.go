package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

const (
	// maxOpening bounds opening a source: connecting, four requests of RTSP and a second round over TCP.
	maxOpening = 20 * time.Second
	// maxSilence is how long nothing of the video may come.
	maxSilence = 5 * time.Second
	// usualGOP is the longest distance of keyframes that cameras are set to out of the box. Shorter ones do not shorten
	// the watch: encoders put extra keyframes where the scene changes, and viewers ask for them.
	usualGOP = 10 * time.Second
	// soundDue is when announced sound is missed. Pictures go on without.
	soundDue = 10 * time.Second
	// watchEvery is how often the limits are looked at.
	watchEvery = 500 * time.Millisecond
)

// watch stands between a source and its stream and notices when something does not come.
type watch struct {
	stream *media.Stream
	log    *slog.Logger
	// onStart and onUp are called when the source is open and when its first keyframe came.
	onStart func(Tracks)
	onUp    func()

	// mu guards all below.
	mu sync.Mutex
	// began is when opening began, opened when it was done; the others are when the first and the last came.
	began, opened                  time.Time
	firstVideo, lastVideo, lastKey time.Time
	gop                            time.Duration
	// soundMissing tells that sound was announced and has not come.
	soundMissing bool
}

func newWatch(stream *media.Stream, log *slog.Logger, onStart func(Tracks), onUp func()) *watch {
	return &watch{stream: stream, log: log, onStart: onStart, onUp: onUp, began: time.Now()}
}

// Start implements Sink.
func (w *watch) Start(tracks Tracks) {
	w.mu.Lock()
	w.opened = time.Now()
	w.soundMissing = tracks.Sound != nil
	w.mu.Unlock()
	w.onStart(tracks)
	w.stream.Restarted(tracks.Sound)
	if len(tracks.ParameterSets) > 0 {
		w.stream.WriteVideo(media.AccessUnit{Codec: tracks.Codec, NALUs: tracks.ParameterSets})
	}
}

// Alive implements Sink.
func (w *watch) Alive() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastVideo = time.Now()
}

// WriteVideo implements Sink.
func (w *watch) WriteVideo(au media.AccessUnit) {
	w.stream.WriteVideo(au)
	if w.saw(au.Key, time.Now()) {
		w.onUp()
	}
}

// saw reports whether this is the first keyframe.
func (w *watch) saw(key bool, now time.Time) (first bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.lastVideo = now
	if !key {
		return false
	}
	first = w.firstVideo.IsZero()
	if first {
		w.firstVideo = now
	} else {
		w.gop = max(w.gop, now.Sub(w.lastKey))
	}
	w.lastKey = now
	return first
}

// WriteAudio implements Sink.
func (w *watch) WriteAudio(f media.AudioFrame) {
	w.stream.WriteAudio(f)
	w.mu.Lock()
	w.soundMissing = false
	w.mu.Unlock()
}

// SetKeyframer implements Sink.
func (w *watch) SetKeyframer(force func()) { w.stream.SetKeyframer(force) }

// run returns when a limit is passed or ctx is done.
func (w *watch) run(ctx context.Context) error {
	ticker := time.NewTicker(watchEvery)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			if err := w.check(time.Now()); err != nil {
				return err
			}
		}
	}
}

func (w *watch) check(now time.Time) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.opened.IsZero() {
		if now.Sub(w.began) > maxOpening {
			return fmt.Errorf("the source could not be opened within %s", maxOpening)
		}
		return nil
	}
	if w.soundMissing && now.Sub(w.opened) > soundDue {
		w.soundMissing = false
		w.log.Warn("source announced sound and sends none")
	}
	if since(now, w.opened, w.lastVideo) > maxSilence {
		if w.lastVideo.IsZero() {
			return errors.New("the source announced video and sends none")
		}
		return fmt.Errorf("no video came for %s", maxSilence)
	}
	if limit := 2*max(w.gop, usualGOP) + 2*time.Second; since(now, w.opened, w.lastKey) > limit {
		return fmt.Errorf("no keyframe came for %s", limit.Round(time.Second))
	}
	return nil
}

func since(now, begin, last time.Time) time.Duration {
	if last.IsZero() {
		last = begin
	}
	return now.Sub(last)
}

// up returns for how long pictures came.
func (w *watch) up(now time.Time) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.firstVideo.IsZero() {
		return 0
	}
	return now.Sub(w.firstVideo)
}
