package source

import (
	"bytes"
	"image/jpeg"
	"testing"
	"testing/synctest"
	"time"
)

func TestSnapshotOfTheTestSourceShowsThePresent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, size := range []string{"1280x720", "320x180"} {
			s, ok := openSource(t, "test:?size="+size, nil).(*testSource)
			if !ok {
				t.Fatal("no test source")
			}
			photo, err := s.Snapshot(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			picture, err := jpeg.Decode(bytes.NewReader(photo))
			if err != nil {
				t.Fatal(err)
			}
			if b := picture.Bounds(); b.Dx() != s.width || b.Dy() != s.height || len(photo) > 200_000 {
				t.Errorf("%s: got %v in %d bytes", size, b, len(photo))
			}
			luma := make([]byte, s.width*s.height)
			for i := range luma {
				r, _, _, _ := picture.At(i%s.width, i/s.width).RGBA()
				luma[i] = byte(r >> 8)
			}
			if got, want := readCode(t, luma, s.width), time.Now().UnixMilli()%(1<<20); got != want {
				t.Errorf("%s: the picture shows %d, want %d", size, got, want)
			}
		}
	})
}
