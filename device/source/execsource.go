package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/source/demux"
)

// execSource shows what a local command writes to its standard output: a byte stream of H.264 or H.265, or MPEG-TS.
type execSource struct {
	command command
	log     *slog.Logger
}

func openExec(line string, cfg Config) (Source, error) {
	c, err := parseCommand(line)
	if err != nil {
		return nil, fmt.Errorf("source exec: %w", err)
	}
	return &execSource{c, logger(cfg.Logger)}, nil
}

// String implements Source.
func (s *execSource) String() string { return "exec:" + s.command.String() }

// Run implements Source.
func (s *execSource) Run(ctx context.Context, sink Sink) error {
	out, in, err := os.Pipe()
	if err != nil {
		return fmt.Errorf("source %s: %w", s, err)
	}
	defer out.Close()
	running, cancel := context.WithCancel(ctx)
	defer cancel()
	var ended error
	var g errgroup.Group
	g.Go(func() error {
		ended = s.command.run(running, nil, in)
		// What it wrote may be read yet, though somebody who left its group may hold the other end.
		return out.SetReadDeadline(time.Now().Add(commandGrace))
	})
	unfit := s.watch(ctx, out, sink)
	cancel()
	err = g.Wait()
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case unfit != nil:
		return fmt.Errorf("source %s: what the command writes cannot be shown: %w; %w", s, unfit, ended)
	}
	return fmt.Errorf("source %s: %w", s, errors.Join(ended, err))
}

// watch passes on what the command writes until it ends.
func (s *execSource) watch(ctx context.Context, out io.Reader, sink Sink) error {
	r, err := demux.OpenStream(out)
	switch {
	case errors.Is(err, demux.ErrNothing) || errors.Is(err, os.ErrDeadlineExceeded):
		return nil
	case err != nil:
		return err
	}
	tracks := r.Tracks()
	if tracks.Video == "" {
		return fmt.Errorf("it is %s with sound only", tracks.Container)
	}
	sink.Start(Tracks{Codec: tracks.Video, Sound: tracks.Sound, Notes: notes(tracks)})
	var times liveTimes = &arrivals{}
	if !tracks.Untimed {
		times = &leash{}
	}
	for {
		f, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) || errors.Is(err, os.ErrDeadlineExceeded):
			return nil
		case err != nil:
			return err
		}
		if now := r.Tracks(); now.Disordered && !tracks.Disordered {
			// It shows only now. Nothing is lost by beginning anew: pictures were left out up to this keyframe.
			tracks = now
			s.log.Warn("command writes pictures out of order")
			sink.Start(Tracks{Codec: tracks.Video, Sound: tracks.Sound, Notes: notes(tracks)})
		}
		pts, err := times.take(ctx, f)
		if err != nil {
			return err
		}
		if f.Sound {
			sink.WriteAudio(media.AudioFrame{Payload: f.Units[0], PTS: pts})
		} else {
			sink.WriteVideo(media.AccessUnit{Codec: tracks.Video, NALUs: f.Units, PTS: pts, Key: media.IsKey(tracks.Video, f.Units)})
		}
	}
}
