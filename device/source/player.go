package source

import (
	"context"
	"errors"
	"io"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/source/demux"
)

const (
	// Times jump where recordings were put together: back further than sound and pictures may be apart, or on further than
	// the pictures of a slow camera are.
	maxJumpBack = 2 * time.Second
	maxJumpOn   = 10 * time.Second
	// stillFor is how long the only picture of a file is shown, and the longest that the last of several is.
	stillFor = time.Second
)

// player writes frames at their time.
type player struct {
	sink      Sink
	metronome *metronome
	begun     bool
	// name is written into the picture of what has only sound, which caption is; shown counts it.
	name    string
	caption *caption
	shown   int
	// shift is from the time of the file to that of the player; end is when what was played ends.
	shift, end time.Duration
}

// round is what a player remembers of one round.
type round struct {
	pictures int
	// last is the latest time in the file.
	last  time.Duration
	begun bool
	// before are the last times of pictures and sound.
	before map[bool]time.Duration
}

// play goes through a medium once.
func (p *player) play(ctx context.Context, r demux.Reader) error {
	now := round{before: make(map[bool]time.Duration)}
	codec := r.Tracks().Video
	for {
		f, err := r.Next()
		switch {
		case errors.Is(err, io.EOF) && !now.begun:
			return errors.New("there is nothing in it to show")
		case errors.Is(err, io.EOF):
			if now.pictures == 1 {
				p.end += stillFor
			}
			return nil
		case err != nil:
			return err
		}
		if err := p.wait(ctx, f, &now); err != nil {
			return err
		}
		if f.Sound && codec == "" {
			p.showCaption(f.PTS + p.shift)
		}
		if f.Sound {
			p.sink.WriteAudio(media.AudioFrame{Payload: f.Units[0], PTS: f.PTS + p.shift})
			continue
		}
		now.pictures++
		p.sink.WriteVideo(media.AccessUnit{Codec: codec, NALUs: f.Units, PTS: f.PTS + p.shift, Key: media.IsKey(codec, f.Units)})
	}
}

// captionGOP is the distance of keyframes of a caption, in pictures.
const captionGOP = 5 * captionFPS

// showCaption shows the next picture of what has only sound, if that is due.
func (p *player) showCaption(at time.Duration) {
	if at < time.Duration(p.shown)*time.Second/captionFPS {
		return
	}
	if p.caption == nil {
		p.caption = newCaption(0, 0)
	}
	key := p.shown%captionGOP == 0
	nalus := p.caption.frame(key, [...]string{p.name, words.soundOnly})
	p.sink.WriteVideo(media.AccessUnit{Codec: media.CodecH264, NALUs: nalus, PTS: at, Key: key})
	p.shown++
}

// wait returns when it is time for a frame.
func (p *player) wait(ctx context.Context, f demux.Frame, now *round) error {
	if step := f.DTS - now.last; !now.begun || step < -maxJumpBack || step > maxJumpOn {
		p.shift = p.end - f.DTS
		now.begun = true
		clear(now.before)
	}
	now.last = f.DTS
	late, err := p.metronome.wait(ctx, f.DTS+p.shift)
	if err != nil {
		return err
	}
	if late > time.Second {
		// The machine slept: it goes on from here, without a rush.
		p.shift += late
	}
	length := time.Duration(0)
	if before, ok := now.before[f.Sound]; ok {
		length = min(max(f.DTS-before, 0), stillFor)
	}
	now.before[f.Sound] = f.DTS
	p.end = max(p.end, f.DTS+p.shift+length)
	return nil
}
