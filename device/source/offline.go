package source

import (
	"bytes"
	"context"
	"embed"
	"fmt"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/source/demux"
)

// offlineEvery is the distance of the pictures that say that the camera is offline.
const offlineEvery = time.Second / captionFPS

// offline shows that a source is away. The picture that was shown last is not kept: a camera that is covered or taken away
// must not seem to look on.
type offline struct {
	status  func() Status
	show    *media.StandIn
	picture offlinePicture
	// wanted has room for one wish for a keyframe.
	wanted chan struct{}
}

// newOffline takes over the feed's stream, until its source is back.
func newOffline(f *Feed) *offline {
	o := &offline{status: f.Status, wanted: make(chan struct{}, 1)}
	format, _ := f.stream.LastFormat()
	o.picture = newOfflinePicture(format)
	o.show = f.stream.StandIn(func() {
		select {
		case o.wanted <- struct{}{}:
		default:
		}
	})
	return o
}

// run returns when the source's pictures are back, or ctx is done.
func (o *offline) run(ctx context.Context) error {
	defer o.show.End()
	ticker := time.NewTicker(offlineEvery)
	defer ticker.Stop()
	for key := true; ; {
		if !o.show.Write(o.picture.draw(countdown(o.status(), time.Now()), key)) {
			return nil
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-ticker.C:
			key = false
		case <-o.wanted:
			key = true
		}
	}
}

// offlinePicture says that the camera is offline, and in how many seconds it is tried again.
type offlinePicture interface {
	draw(seconds int, key bool) media.AccessUnit
}

// newOfflinePicture makes it in the codec that viewers have agreed on with the source's: H.264 also where none is known.
func newOfflinePicture(format media.Format) offlinePicture {
	if format.Codec == "" || format.Codec == media.CodecH264 {
		return &drawnOffline{newCaption(format.Width, format.Height)}
	}
	return readyOffline{format.Codec}
}

// drawnOffline draws it.
type drawnOffline struct{ caption *caption }

func (o *drawnOffline) draw(seconds int, key bool) media.AccessUnit {
	return media.AccessUnit{Codec: media.CodecH264, NALUs: o.caption.frame(key, offlineLines(seconds)), Key: key}
}

// readyOffline has it ready, for codecs that are not encoded here. Each picture is a keyframe.
type readyOffline struct{ codec media.Codec }

func (o readyOffline) draw(seconds int, _ bool) media.AccessUnit {
	au := media.AccessUnit{Codec: o.codec, Key: true}
	if all := readyPictures()[o.codec]; seconds+1 < len(all) {
		au.NALUs = all[seconds+1]
	}
	return au
}

// The pictures of the codecs that are not encoded here: 320x180, the first without a number, then from 0 to maxCountdown.
//
//go:generate go test -run ^TestReadyPicturesAreWhatIsDrawn$ . -update
//go:embed offline
var readyFiles embed.FS

// readyNames are their files.
var readyNames = map[media.Codec]string{
	media.CodecH265: "offline/h265.h265", media.CodecVP8: "offline/vp8.ivf", media.CodecVP9: "offline/vp9.ivf", media.CodecAV1: "offline/av1.ivf",
}

// readyPictures reads them, once. What cannot be read is missing, which a test looks after.
var readyPictures = sync.OnceValue(func() map[media.Codec][][][]byte {
	all := make(map[media.Codec][][][]byte)
	for codec, name := range readyNames {
		pictures, err := readPictures(name)
		if err == nil {
			all[codec] = pictures
		}
	}
	return all
})

func readPictures(name string) ([][][]byte, error) {
	content, err := readyFiles.ReadFile(name)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	r, err := demux.OpenFile(bytes.NewReader(content), int64(len(content)), demux.Options{FPS: 1})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	var pictures [][][]byte
	for range maxCountdown + 2 {
		f, err := r.Next()
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", name, err)
		}
		pictures = append(pictures, f.Units)
	}
	return pictures, nil
}
