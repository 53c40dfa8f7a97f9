package demux

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// mp4 reads the samples of an MP4 or QuickTime file (ISO/IEC 14496-12), plain or in fragments: of the first video track
// and the first sound track that can be played, in the order of their times. The tables of the file are read along with
// the samples, so that a file of any length takes some kilobytes.
type mp4 struct {
	f      io.ReaderAt
	size   int64
	tracks Tracks
	// open are the tracks that are played.
	open []*mp4Playing
}

// mp4Playing is one track that is played.
type mp4Playing struct {
	mp4Track
	samples sampler
	// next is the sample that comes next, when there is one.
	next  sample
	ended bool
}

// sample is where one frame is.
type sample struct {
	at   int64
	size uint32
	// dts and shift, which makes the PTS of it, are in ticks of the track.
	dts, shift int64
	key        bool
}

// sampler goes through the samples of a track; it fails with io.EOF after the last.
type sampler interface{ next() (sample, error) }

// mixedSampler goes through the samples in the index, and then through those in fragments.
type mixedSampler struct {
	tables    *tableSampler
	fragments fragmentSampler
}

func (s *mixedSampler) next() (sample, error) {
	if out, err := s.tables.next(); !errors.Is(err, io.EOF) {
		s.fragments.dts = s.tables.dts
		return out, err
	}
	return s.fragments.next()
}

func openMP4(f io.ReaderAt, size int64) (Reader, error) {
	m := &mp4{f: f, size: size, tracks: Tracks{Container: "MP4"}}
	movie, err := m.findMovie()
	if err != nil {
		return nil, err
	}
	all, fragments, err := readMovie(f, movie)
	if err != nil {
		return nil, err
	}
	for _, track := range all {
		if err := m.add(track, fragments); err != nil {
			return nil, err
		}
	}
	if len(m.open) == 0 {
		return nil, fmt.Errorf("it is MP4 without anything that can be played: there is %s", inWords(m.tracks.LeftOut))
	}
	return newInOrder(m, lookAhead), nil
}

// findMovie finds the index of the file.
func (m *mp4) findMovie() (box, error) {
	var movie box
	err := eachBox(m.f, 0, m.size, func(b box) (more bool, err error) {
		if b.kind == "moov" {
			movie = b
		}
		return movie.kind == "", nil
	})
	switch {
	case err != nil:
		return box{}, err
	case movie.kind == "" || movie.end > m.size:
		return box{}, errors.New("it is MP4 without its index (moov): it is cut off, or was not finished")
	}
	return movie, nil
}

// add decides whether a track is played.
func (m *mp4) add(track mp4Track, fragments map[uint32]fragmentDefaults) error {
	switch {
	case track.leftOut != "":
		m.tracks.LeftOut = append(m.tracks.LeftOut, track.leftOut)
		return nil
	case track.video() && m.tracks.Video == "":
		m.tracks.Video = track.codec
	case !track.video() && m.tracks.Sound == nil:
		sound := opusFormat
		m.tracks.Sound = &sound
	default:
		m.tracks.LeftOut = append(m.tracks.LeftOut, "a further track")
		return nil
	}
	samples, err := newTableSampler(m.f, track.tables)
	if err != nil {
		return err
	}
	playing := &mp4Playing{mp4Track: track, samples: samples}
	if defaults, ok := fragments[track.id]; ok {
		playing.samples = &mixedSampler{samples, fragmentSampler{f: m.f, size: m.size, track: track.id, defaults: defaults}}
	}
	m.open = append(m.open, playing)
	return playing.advance(m.size)
}

// advance reads where the next sample is. One that is not wholly in the file ends the track.
func (p *mp4Playing) advance(size int64) error {
	next, err := p.samples.next()
	for err == nil && next.size == 0 { // nothing to show
		next, err = p.samples.next()
	}
	switch {
	case errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF):
		p.ended = true
		return nil
	case err != nil:
		return err
	case next.size > media.MaxAccessUnit:
		return fmt.Errorf("it is damaged: a frame of %d bytes is announced", next.size)
	}
	p.next = next
	p.ended = next.at < 0 || next.at > size-int64(next.size)
	return nil
}

func (p *mp4Playing) dts() time.Duration { return seconds(float64(p.next.dts-p.start) / p.scale) }

func (m *mp4) Tracks() Tracks { return m.tracks }

func (m *mp4) Next() (Frame, error) {
	var first *mp4Playing
	for _, p := range m.open {
		if !p.ended && (first == nil || p.dts() < first.dts()) {
			first = p
		}
	}
	if first == nil {
		return Frame{}, io.EOF
	}
	at := first.next
	data := make([]byte, at.size)
	if n, err := m.f.ReadAt(data, at.at); err != nil && n < len(data) {
		return Frame{}, ended(err)
	}
	f := Frame{Sound: !first.video(), DTS: first.dts(), PTS: seconds(float64(at.dts+at.shift-first.start) / first.scale)}
	var err error
	if f.Units, err = first.unitsOf(data, at.key); err != nil {
		return Frame{}, err
	}
	return f, first.advance(m.size)
}
