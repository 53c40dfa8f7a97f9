package demux

import (
	"errors"
	"io"
)

// maxTracks bounds the tracks of a movie; cameras make two.
const maxTracks = 32

// mp4Track is one track as the index describes it.
type mp4Track struct {
	mp4Codec
	id uint32
	// scale is how many ticks a second has; start is the tick at which showing begins, by the edit list.
	scale  float64
	start  int64
	tables map[string]box
}

// fragmentDefaults are what holds for the samples of a track's fragments unless they say otherwise.
type fragmentDefaults struct{ duration, size, flags uint32 }

// readMovie reads the index. The defaults are there for tracks that come in fragments.
func readMovie(f io.ReaderAt, movie box) ([]mp4Track, map[uint32]fragmentDefaults, error) {
	var tracks []mp4Track
	fragments := make(map[uint32]fragmentDefaults)
	movieScale := 1000.0
	err := movie.inner(f, func(b box) error {
		switch b.kind {
		case "mvhd":
			data, err := b.read(f, maxDescription)
			if err != nil {
				return err
			}
			movieScale = timeScale(data)
		case "trak":
			if len(tracks) == maxTracks {
				return errors.New("it has too many tracks")
			}
			track, err := readTrack(f, b, movieScale)
			if err != nil {
				return err
			}
			tracks = append(tracks, track)
		case "mvex":
			return b.inner(f, func(b box) error { return readDefaults(f, b, fragments) })
		}
		return nil
	})
	return tracks, fragments, err
}

func readDefaults(f io.ReaderAt, b box, all map[uint32]fragmentDefaults) error {
	if b.kind != "trex" || len(all) == maxTracks {
		return nil
	}
	data, err := b.read(f, maxDescription)
	if err != nil {
		return err
	}
	r := fields{b: data}
	r.full()
	id := r.u32()
	r.u32() // sample description
	all[id] = fragmentDefaults{duration: r.u32(), size: r.u32(), flags: r.u32()}
	return nil
}

// timeScale reads it from a movie header or a media header, which begin alike.
func timeScale(data []byte) float64 {
	r := fields{b: data}
	version, _ := r.full()
	r.sized(version)
	r.sized(version)
	return float64(max(r.u32(), 1))
}

func readTrack(f io.ReaderAt, trak box, movieScale float64) (mp4Track, error) {
	t := mp4Track{scale: 1, tables: make(map[string]box)}
	var edits []byte
	var visit func(b box) error
	visit = func(b box) error {
		var err error
		var data []byte
		switch b.kind {
		case "mdia", "minf", "stbl", "edts":
			return b.inner(f, visit)
		case "stts", "ctts", "stss", "stsz", "stsc", "stco", "co64", "stz2":
			t.tables[b.kind] = b
			return nil
		case "tkhd", "mdhd", "stsd":
			data, err = b.read(f, maxDescription)
		case "elst":
			edits, err = b.read(f, maxDescription)
		}
		if err != nil {
			return err
		}
		switch b.kind {
		case "tkhd":
			r := fields{b: data}
			version, _ := r.full()
			r.sized(version)
			r.sized(version)
			t.id = r.u32()
		case "mdhd":
			t.scale = timeScale(data)
		case "stsd":
			t.mp4Codec = readDescription(data)
		}
		return nil
	}
	if err := trak.inner(f, visit); err != nil {
		return mp4Track{}, err
	}
	t.start = editStart(edits, t.scale, movieScale)
	return t, nil
}

// editStart returns the tick at which showing begins: what empty edits put before, and what the first other leaves out.
func editStart(edits []byte, scale, movieScale float64) int64 {
	r := fields{b: edits}
	version, _ := r.full()
	start := int64(0)
	for range r.u32() {
		duration, at := r.sized(version), int64(0)
		if version == 0 {
			at = int64(int32(r.u32())) // It is signed.
		} else {
			at = int64(r.u64())
		}
		r.u32() // rate
		switch {
		case r.short:
			return start
		case at >= 0:
			return start + at
		}
		start -= int64(min(float64(duration)/movieScale, 1e6) * scale)
	}
	return start
}
