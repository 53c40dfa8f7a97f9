package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// defaultFPS is taken when neither the file nor the specification says a frame rate; maxFPS bounds both.
const (
	defaultFPS = 25
	maxFPS     = 120
)

// fileSource plays an H.264 byte stream over and over, in real time. Its pictures are shown in decoding order: a file
// with B-frames loses those that nothing refers to.
type fileSource struct {
	path string
	// fps is what the specification asks for; 0 leaves it to the file.
	fps float64
}

// openFile reads "PATH" or "PATH?fps=N".
func openFile(rest string, _ Config) (Source, error) {
	s := &fileSource{path: rest}
	if path, value, ok := strings.Cut(rest, "?fps="); ok {
		fps, err := strconv.ParseFloat(value, 64)
		if err != nil || !(fps >= 1 && fps <= maxFPS) {
			return nil, fmt.Errorf("source file: fps is a number from 1 to %d, not %q", maxFPS, value)
		}
		s.path, s.fps = path, fps
	}
	if s.path == "" {
		return nil, errors.New("source file: a path must follow, as in file:/var/lib/clip.h264")
	}
	f, err := s.open()
	if err != nil {
		return nil, err
	}
	return s, f.Close()
}

func (s *fileSource) open() (*os.File, error) {
	info, err := os.Stat(s.path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return nil, fmt.Errorf("source file: there is no file %s", s.path)
	case err != nil:
		return nil, fmt.Errorf("source file: %w", err)
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("source file: %s is not a regular file", s.path)
	}
	f, err := os.Open(s.path)
	if err != nil {
		return nil, fmt.Errorf("source file: %w", err)
	}
	return f, nil
}

// String implements Source.
func (s *fileSource) String() string { return "file:" + s.path }

// Run implements Source.
func (s *fileSource) Run(ctx context.Context, sink Sink) error {
	f, err := s.open()
	if err != nil {
		return err
	}
	defer f.Close()
	sink.Start(Tracks{})
	t := newMetronome(time.Now())
	defer t.stop()
	player := &player{sink: sink, metronome: t, fps: s.fps}
	for {
		if err := player.play(ctx, f); err != nil {
			return fmt.Errorf("source file: play %s: %w", s.path, err)
		}
		if _, err := f.Seek(0, io.SeekStart); err != nil {
			return fmt.Errorf("source file: %w", err)
		}
	}
}

// player writes access units at their time.
type player struct {
	sink      Sink
	metronome *metronome
	fps       float64
	// next is the time of the next picture since the start.
	next time.Duration
}

// play goes through the stream once.
func (p *player) play(ctx context.Context, r io.Reader) error {
	units := media.NewAccessUnitReader(media.CodecH264, r)
	for first := true; ; first = false {
		nalus, err := units.Next()
		switch {
		case errors.Is(err, io.EOF) && first:
			return errors.New("there is no H.264 byte stream (Annex B) in it")
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if p.fps == 0 {
			p.fps = frameRate(nalus)
		}
		late, err := p.metronome.wait(ctx, p.next)
		if err != nil {
			return err
		}
		p.sink.WriteVideo(media.AccessUnit{NALUs: nalus, PTS: p.next, Key: media.IsKey(media.CodecH264, nalus)})
		p.next += time.Duration(float64(time.Second) / p.fps)
		if late > time.Second {
			// The machine slept: the file goes on from here, without a rush.
			p.next += late
		}
	}
}

// frameRate returns what the parameter sets of an access unit declare.
func frameRate(nalus [][]byte) float64 {
	if f, ok := media.ReadFormat(media.CodecH264, nalus); ok && f.FPS >= 1 && f.FPS <= maxFPS {
		return f.FPS
	}
	return defaultFPS
}
