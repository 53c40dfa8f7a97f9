package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/device/source/demux"
	"github.com/sightline-rtc/sightline/protocol"
)

// fileSource plays a file over and over, in real time. Each round reads what the file is then: one that grows is played
// as far as it goes.
type fileSource struct {
	path string
	// name is written into the picture of a file without any.
	name string
	log  *slog.Logger
	// fps is what the specification asks for; 0 leaves it to the file.
	fps float64
}

// openFile reads "PATH" or "PATH?fps=N".
func openFile(rest string, cfg Config) (Source, error) {
	s := &fileSource{path: rest, name: cfg.Name, log: logger(cfg.Logger)}
	if path, value, ok := strings.Cut(rest, "?fps="); ok {
		fps, err := strconv.ParseFloat(value, 64)
		if err != nil || !(fps >= 1 && fps <= demux.MaxFPS) {
			return nil, fmt.Errorf("source file: fps is a number from 1 to %d, not %q", demux.MaxFPS, value)
		}
		s.path, s.fps = path, fps
	}
	if s.path == "" {
		return nil, errors.New("source file: a path must follow, as in file:/var/lib/clip.mp4")
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
	case info.IsDir():
		return nil, fmt.Errorf("source file: %s is a directory", s.path)
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
	m := newMetronome(time.Now())
	defer m.stop()
	p := &player{sink: sink, metronome: m, name: s.name}
	for {
		if err := s.round(ctx, f, p); err != nil {
			if ctx.Err() != nil {
				return ctx.Err()
			}
			return fmt.Errorf("source file: play %s: %w", s.path, err)
		}
	}
}

// round plays the file once.
func (s *fileSource) round(ctx context.Context, f *os.File, p *player) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	r, err := demux.OpenFile(f, info.Size(), demux.Options{FPS: s.fps})
	if err != nil {
		return err
	}
	tracks := r.Tracks()
	if !p.begun {
		p.begun = true
		for _, what := range tracks.LeftOut {
			s.log.Info("file has what cannot be played", "what", what)
		}
		if tracks.Disordered {
			s.log.Warn("file has pictures out of order")
		}
		p.sink.Start(Tracks{Codec: tracks.Video, Sound: tracks.Sound, Notes: notes(tracks)})
	}
	return p.play(ctx, r)
}

// notes tells viewers what they do without.
func notes(tracks demux.Tracks) []protocol.Note {
	var all []protocol.Note
	for _, what := range tracks.LeftOut {
		if strings.HasPrefix(what, "sound") {
			all = append(all, protocol.Note{Code: protocol.NoteAudioDropped, Message: "There is " + what + ", which browsers do not play."})
		}
	}
	if tracks.Disordered {
		all = append(all, protocol.Note{Code: protocol.NoteSourceQuirk, Message: disorderWords})
	}
	return all
}

// disorderWords say what becomes of pictures that browsers cannot put in order.
const disorderWords = "The pictures are not in the order in which they are shown (a pyramid of B-frames), which browsers " +
	"cannot follow: most are left out. It helps to encode them without B-frames."
