package source

import (
	"bytes"
	"log/slog"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/test/camera"
)

// cameraPackets are those of n pictures of three packets or more, with a keyframe every 10.
func cameraPackets(t *testing.T, n int) (packets []*rtp.Packet, picture []int) {
	t.Helper()
	encoder := &rtph264.Encoder{PayloadType: 96, PacketizationMode: 1}
	if err := encoder.Init(); err != nil {
		t.Fatal(err)
	}
	for i := range n {
		nalu := bytes.Repeat([]byte{byte(i) | 1}, 4000)
		nalu[0], nalu[1] = nalNonIDR, 0x9a
		if i%10 == 0 {
			nalu[0], nalu[1] = nalIDR, 0x88
		}
		part, err := encoder.Encode([][]byte{nalu})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range part {
			p.Timestamp = uint32(i) * 3600
			packets, picture = append(packets, p), append(picture, i)
		}
	}
	return packets, picture
}

func newIntake(t *testing.T, out Sink) *videoIntake {
	t.Helper()
	v, err := newVideoIntake(out, newVideoTrack(nil, &format.H264{PayloadTyp: 96, PacketizationMode: 1}), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func TestLostPacketStopsThePictureUntilTheNextKeyframe(t *testing.T) {
	packets, picture := cameraPackets(t, 40)
	perPicture := len(packets) / 40
	for name, test := range map[string]struct {
		lose func(i int) bool
		want func(picture int) bool
	}{
		"nothing":            {func(int) bool { return false }, func(int) bool { return true }},
		"middle of a P":      {func(i int) bool { return i == 13*perPicture+1 }, func(p int) bool { return p < 13 || p >= 20 }},
		"first of a P":       {func(i int) bool { return i == 13*perPicture }, func(p int) bool { return p < 13 || p >= 20 }},
		"last of a P":        {func(i int) bool { return i == 14*perPicture-1 }, func(p int) bool { return p < 13 || p >= 20 }},
		"last before a key":  {func(i int) bool { return i == 20*perPicture-1 }, func(p int) bool { return p != 19 }},
		"middle of a key":    {func(i int) bool { return i == 20*perPicture+1 }, func(p int) bool { return p < 20 || p >= 30 }},
		"last of a key":      {func(i int) bool { return i == 21*perPicture-1 }, func(p int) bool { return p < 20 || p >= 30 }},
		"whole picture":      {func(i int) bool { return picture[i] == 13 }, func(p int) bool { return p < 13 || p >= 20 }},
		"several in a group": {func(i int) bool { return i > 13*perPicture && i%5 == 0 && picture[i] < 20 }, func(p int) bool { return p < 13 || p >= 20 }},
	} {
		t.Run(name, func(t *testing.T) {
			out := newSink()
			v := newIntake(t, out)
			for i, p := range packets {
				if !test.lose(i) {
					v.packet(p, duration(int64(p.Timestamp), media.VideoClockRate), true)
				}
			}
			got := make(map[int]bool)
			for _, u := range out.units {
				n := int(u.PTS / (40 * time.Millisecond))
				got[n] = true
				if len(u.NALUs) != 1 || len(u.NALUs[0]) != 4000 {
					t.Errorf("picture %d has a hole", n)
				}
			}
			for n := range 40 {
				if got[n] != test.want(n) {
					t.Errorf("picture %d: passed %t, want %t", n, got[n], test.want(n))
				}
			}
		})
	}
}

func TestRepeatedLossIsReported(t *testing.T) {
	packets, _ := cameraPackets(t, 40)
	v := newIntake(t, newSink())
	for i, p := range packets {
		if i%20 != 19 {
			v.packet(p, 0, true)
		}
	}
	select {
	case <-v.lossy:
	default:
		t.Error("the loss was not reported")
	}
}

func TestPicturesBeforeTheClockStartsAreSignsOfLife(t *testing.T) {
	packets, _ := cameraPackets(t, 5)
	out := newSink()
	v := newIntake(t, out)
	for _, p := range packets {
		v.packet(p, 0, false)
	}
	if out.alive != len(packets) || len(out.units) != 0 {
		t.Errorf("got %d signs of life and %d pictures, want %d and none", out.alive, len(out.units), len(packets))
	}
}

func TestSourceLeavesNothingBehind(t *testing.T) {
	address, _ := camera.Start(t, small(camera.Options{}))
	out := newSink()
	t.Run("run", func(t *testing.T) {
		out.wait(t, runSource(t, openSource(t, address, nil), out), func() bool { return len(out.units) > 0 })
	})
	stacks := make([]byte, 1<<20)
	stacks = stacks[:runtime.Stack(stacks, true)]
	if strings.Contains(string(stacks), "gortsplib.(*Client)") {
		t.Errorf("the client still runs:\n%s", stacks)
	}
}
