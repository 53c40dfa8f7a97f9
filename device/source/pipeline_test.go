package source

import (
	"bytes"
	"context"
	"os/exec"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/test/camera"
)

// viewer puts the pictures of its packets into one byte stream.
type viewer struct {
	depacketiser codecs.H264Packet
	stream       []byte
	pictures     int
	enough       context.CancelFunc
}

func (v *viewer) WriteRTP(h *rtp.Header, payload []byte) (int, error) {
	part, err := v.depacketiser.Unmarshal(payload)
	if err != nil {
		return 0, err
	}
	v.stream = append(v.stream, part...)
	if h.Marker {
		v.pictures++
	}
	if v.pictures == 45 {
		v.enough()
	}
	return len(payload), nil
}

// A viewer that comes in the middle of a group gets what a decoder takes without a complaint, from its first byte on.
func TestLateViewerOfARealCameraDecodesWithoutAFault(t *testing.T) {
	needFFmpeg(t)
	address, _ := camera.Start(t, camera.Options{})
	f := NewFeed(FeedConfig{Source: openSource(t, address, nil), Warm: true})
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var wg sync.WaitGroup
	wg.Go(func() { _ = f.Run(ctx) })
	defer wg.Wait()
	defer cancel()
	for f.Stream().Stats().Frames < 20 {
		if ctx.Err() != nil {
			t.Fatalf("no pictures: %+v", f.Status())
		}
		<-time.After(5 * time.Millisecond)
	}
	watching, enough := context.WithCancel(ctx)
	defer enough()
	v := &viewer{enough: enough}
	if err := f.Stream().Subscribe(media.Options{Video: media.Track{Writer: v}}).Run(watching); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(ctx, "ffmpeg", "-v", "warning", "-xerror", "-err_detect", "explode",
		"-f", "h264", "-i", "-", "-f", "framehash", "-")
	cmd.Stdin = bytes.NewReader(v.stream)
	var complaints bytes.Buffer
	cmd.Stderr = &complaints
	out, err := cmd.Output()
	if err != nil || complaints.Len() > 0 {
		t.Errorf("ffmpeg: %v\n%s", err, complaints.String())
	}
	if frames := bytes.Count(out, []byte("\n0,")); frames < 45 {
		t.Errorf("decoded %d of 45 pictures", frames)
	}
}
