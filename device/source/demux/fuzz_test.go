package demux

import (
	"bufio"
	"bytes"
	"io"
	"path/filepath"
	"testing"

	"github.com/sightline-rtc/sightline/device/media"
)

// fuzz adds the media of some endings as seeds, whole and cut, and reads what comes of them.
func fuzz(f *testing.F, open func(b []byte) (Reader, error), endings ...string) {
	for name := range known {
		for _, ending := range endings {
			if filepath.Ext(name) == ending {
				b := load(f, name)
				f.Add(b)
				f.Add(b[:len(b)*2/3])
			}
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := open(b)
		if err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		tracks := r.Tracks()
		size := 0
		for range 10_000 {
			frame, err := r.Next()
			if err != nil {
				return
			}
			if frame.Sound && len(frame.Units) != 1 {
				t.Fatalf("sound of %d units", len(frame.Units))
			}
			size = 0
			for _, unit := range frame.Units {
				size += len(unit)
			}
			if size > 2*media.MaxAccessUnit {
				t.Fatalf("a frame of %d bytes", size)
			}
			if !frame.Sound {
				media.IsKey(tracks.Video, frame.Units)
			}
		}
	})
}

func buffered(open func(*bufio.Reader) (Reader, error)) func(b []byte) (Reader, error) {
	return func(b []byte) (Reader, error) { return open(bufio.NewReader(bytes.NewReader(b))) }
}

func FuzzMPEGTS(f *testing.F) { fuzz(f, buffered(openTS), ".ts") }

func FuzzIVF(f *testing.F) { fuzz(f, buffered(openIVF), ".ivf") }

func FuzzOgg(f *testing.F) { fuzz(f, buffered(openOgg), ".ogg") }

func FuzzMP4(f *testing.F) {
	fuzz(f, func(b []byte) (Reader, error) { return openMP4(bytes.NewReader(b), int64(len(b))) }, ".mp4")
}

func FuzzByteStream(f *testing.F) {
	fuzz(f, func(b []byte) (Reader, error) {
		r, err := openAnnexB(bufio.NewReader(bytes.NewReader(b)), Options{})
		if err != nil {
			return nil, err
		}
		return newInOrder(r, lookAhead), nil
	}, ".h264", ".h265")
}

func FuzzStream(f *testing.F) {
	fuzz(f, func(b []byte) (Reader, error) { return OpenStream(io.LimitReader(bytes.NewReader(b), int64(len(b)))) },
		".ts", ".ivf", ".ogg", ".h264")
}
