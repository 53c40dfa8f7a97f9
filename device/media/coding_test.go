package media

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp9"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/pion/rtp"
)

func TestClipsComeBackFromTheirPackets(t *testing.T) {
	for name, want := range map[string]struct {
		pictures int
		keys     []int
		format   Format
	}{
		"main.h264":     {16, []int{0, 7}, Format{Profile: ProfileLevelID{0x4d, 0x40, 0x0a}, Width: 128, Height: 96, FPS: 10}},
		"baseline.h264": {20, []int{0, 10}, Format{Profile: ProfileLevelID{0x42, 0xc0, 0x0a}, Width: 128, Height: 96, FPS: 10}},
		"large.h264":    {2, []int{0}, Format{Profile: ProfileLevelID{0x64, 0, 0x0a}, Width: 192, Height: 112, FPS: 10}},
		"closed.h265": {14, []int{0, 7}, Format{
			H265: H265Profile{Profile: 1, Compatible: 0x60000000, Level: 30}, Width: 128, Height: 96, FPS: 10,
		}},
		"opengop.h265": {11, []int{0, 5}, Format{
			H265: H265Profile{Profile: 1, Compatible: 0x60000000, Level: 30}, Width: 128, Height: 96, FPS: 10,
		}},
		"layers.h265": {11, []int{0, 5}, Format{
			H265: H265Profile{Profile: 1, Compatible: 0x60000000, Level: 30}, Width: 128, Height: 96, FPS: 10,
		}},
		"large.h265": {2, []int{0}, Format{
			H265: H265Profile{Profile: 1, Compatible: 0x60000000, Level: 30}, Width: 192, Height: 112, FPS: 10,
		}},
		"small.vp8.ivf": {20, []int{0, 10}, Format{Width: 128, Height: 96}},
		"large.vp8.ivf": {2, []int{0}, Format{Width: 192, Height: 112}},
		"small.vp9.ivf": {20, []int{0, 10}, Format{Width: 128, Height: 96}},
		"large.vp9.ivf": {2, []int{0}, Format{Width: 192, Height: 112}},
		"small.av1.ivf": {20, []int{0, 10}, Format{Width: 128, Height: 96}},
		"large.av1.ivf": {2, []int{0}, Format{Width: 192, Height: 112}},
	} {
		t.Run(name, func(t *testing.T) {
			c := newCoding(clipCodec(name), ignore)
			sent := send(t, c, clip(t, name))
			var keys []int
			for i, unit := range sent {
				if unit.key {
					keys = append(keys, i)
				}
				if unit.key != IsKey(clipCodec(name), unit.units) {
					t.Errorf("picture %d: key is %t", i, unit.key)
				}
			}
			if len(sent) != want.pictures || !cmp.Equal(keys, want.keys) {
				t.Errorf("got %d pictures with keyframes %v, want %d with %v", len(sent), keys, want.pictures, want.keys)
			}
			want.format.Codec = clipCodec(name)
			if diff := cmp.Diff(want.format, lastFormat(c), cmpopts.IgnoreFields(Format{}, "VPS", "SPS", "PPS")); diff != "" {
				t.Errorf("format: %s", diff)
			}
			comeBack(t, clipCodec(name), sent)
		})
	}
}

// comeBack puts packets together again with the decoders that play cameras, and compares.
func comeBack(t *testing.T, c Codec, sent []sentUnit) {
	t.Helper()
	decode := decoder(t, c)
	sequence := uint16(0)
	for i, unit := range sent {
		var got [][]byte
		for n, payload := range unit.payloads {
			if len(payload) == 0 || len(payload) > maxPayload {
				t.Fatalf("picture %d: payload of %d bytes", i, len(payload))
			}
			last := n == len(unit.payloads)-1
			units, err := decode(&rtp.Packet{
				Header: rtp.Header{Version: 2, Marker: last, SequenceNumber: sequence, Timestamp: uint32(i)}, Payload: payload,
			})
			sequence++
			if err != nil && last {
				t.Fatalf("picture %d: %v", i, err)
			}
			got = append(got, units...)
		}
		if diff := cmp.Diff(plain(t, c, unit.units), got); diff != "" {
			t.Fatalf("picture %d differs", i)
		}
	}
}

// plain returns units as they stand in packets: OBUs without size fields.
func plain(t *testing.T, c Codec, units [][]byte) [][]byte {
	if c != CodecAV1 {
		return units
	}
	list, err := splitAll(units)
	if err != nil {
		t.Fatal(err)
	}
	units = nil
	for _, o := range list {
		units = append(units, o.append(nil, 0, o.len()))
	}
	return units
}

type initialiser interface{ Init() error }

func decoder(t *testing.T, c Codec) func(*rtp.Packet) ([][]byte, error) {
	t.Helper()
	var d initialiser
	var decode func(*rtp.Packet) ([][]byte, error)
	one := func(frame []byte, err error) ([][]byte, error) { return [][]byte{frame}, err }
	switch c {
	case CodecH264:
		h264 := &rtph264.Decoder{PacketizationMode: 1}
		d, decode = h264, h264.Decode
	case CodecH265:
		h265 := &rtph265.Decoder{}
		d, decode = h265, h265.Decode
	case CodecVP8:
		vp8 := &rtpvp8.Decoder{}
		d, decode = vp8, func(p *rtp.Packet) ([][]byte, error) {
			frame, err := vp8.Decode(p)
			if err != nil {
				return nil, err
			}
			return one(frame, nil)
		}
	case CodecVP9:
		vp9 := &rtpvp9.Decoder{}
		d, decode = vp9, func(p *rtp.Packet) ([][]byte, error) {
			frame, err := vp9.Decode(p)
			if err != nil {
				return nil, err
			}
			return one(frame, nil)
		}
	default:
		av1 := &rtpav1.Decoder{}
		d, decode = av1, av1.Decode
	}
	if err := d.Init(); err != nil {
		t.Fatal(err)
	}
	return decode
}

func TestPacketsOfEveryCodecAreOfBoundedSize(t *testing.T) {
	for _, c := range []Codec{CodecH265, CodecVP8, CodecVP9, CodecAV1} {
		coding := newCoding(c, ignore)
		for _, sizes := range [][]int{
			{3},
			{maxPayload - 3},
			{maxPayload - 2},
			{maxPayload - 1},
			{maxPayload},
			{maxPayload + 1},
			{2 * maxPayload},
			{50_001},
			{20, maxPayload - 26, 40},
			{20, maxPayload - 25, 40},
			{20, maxPayload - 24, 40},
			{20, maxPayload - 23, 40},
			{20, maxPayload - 22, 900},
			{maxPayload - 1, 3},
			{maxPayload - 3, 3, 3},
			{9, 9, 9, 9, 5000, 9, 9},
			{127, 128, 129, 130, 800},
		} {
			if len(sizes) > 1 && (c == CodecVP8 || c == CodecVP9) {
				continue
			}
			var units [][]byte
			for i, size := range sizes {
				unit := bytes.Repeat([]byte{byte(2*i + 1)}, size)
				switch c {
				case CodecH265:
					unit[0], unit[1] = 2, 1
				case CodecAV1:
					unit[0] = obuFrame << 3
				}
				units = append(units, unit)
			}
			t.Logf("%s %v", c, sizes)
			comeBack(t, c, []sentUnit{{units: units, payloads: coding.packetise(units, false)}})
		}
	}
}

func TestPacketisingEveryCodecAllocatesTwice(t *testing.T) {
	for c, units := range map[Codec][][]byte{
		CodecH265: {slice(0x26, 50, 1), slice(0x26, 50_000, 1)}, CodecVP8: {slice(0, 50_000, 1)}, CodecVP9: {slice(0, 50_000, 1)},
	} {
		coding := newCoding(c, ignore)
		if got := testing.AllocsPerRun(100, func() { coding.packetise(units, false) }); got > 2 {
			t.Errorf("%s: got %v allocations a picture, want 2", c, got)
		}
	}
}

func TestPacketsOfAV1EndWithinAUnitUntilTheLast(t *testing.T) {
	for first := 1000; first < 1300; first++ {
		units := [][]byte{slice(obuFrame<<3, first, 1), slice(obuFrame<<3, 2000, 1), slice(obuFrame<<3, 300, 1)}
		payloads := (&av1Coding{}).packetise(units, true)
		for i, payload := range payloads {
			if last := i == len(payloads)-1; payload[0]&av1Unended == 0 != last {
				t.Fatalf("first unit of %d bytes: packet %d of %d ends with a unit", first, i, len(payloads))
			}
			if payload[0]&av1Sequence != 0 != (i == 0) {
				t.Fatalf("packet %d: wrong mark of a new sequence", i)
			}
		}
	}
}

func TestDescriptorsOfVP8AndVP9AreThoseOfBrowsers(t *testing.T) {
	vp8 := send(t, &vp8Coding{}, clip(t, "small.vp8.ivf"))
	vp9 := send(t, &vp9Coding{}, clip(t, "small.vp9.ivf"))
	for name, test := range map[string]struct{ got, want []byte }{
		"VP8, first packet":            {vp8[0].payloads[0][:1], []byte{0x10}},
		"VP8, another packet":          {vp8[0].payloads[1][:1], []byte{0x00}},
		"VP9, first of a key frame":    {vp9[0].payloads[0][:6], []byte{0x0b, 0x10, 0, 128, 0, 96}},
		"VP9, last of a key frame":     {vp9[0].payloads[len(vp9[0].payloads)-1][:1], []byte{0x05}},
		"VP9, one packet, not a key's": {vp9[19].payloads[0][:1], []byte{0x4d}},
	} {
		if !bytes.Equal(test.got, test.want) {
			t.Errorf("%s: got % x, want % x", name, test.got, test.want)
		}
	}
}

func FuzzCodings(f *testing.F) {
	for i, name := range []string{"main.h264", "opengop.h265", "small.vp8.ivf", "small.vp9.ivf", "small.av1.ivf", "layers.h265", "opengop.h264"} {
		for _, unit := range clip(f, name)[:3] {
			f.Add(uint8(i), bytes.Join(unit, startCode))
		}
	}
	codecs := []Codec{CodecH264, CodecH265, CodecVP8, CodecVP9, CodecAV1}
	f.Fuzz(func(t *testing.T, which uint8, in []byte) {
		c := codecs[int(which)%len(codecs)]
		units := [][]byte{in}
		if c == CodecH264 || c == CodecH265 {
			units = SplitAnnexB(append([]byte{0, 0, 1}, in...))
		}
		coding := newCoding(c, ignore)
		for range 2 {
			sent, key, err := coding.normalise(units, arrival{now: time.Now()})
			if format, changed := coding.describe(); changed && (format.Codec != c || format.Width <= 0 || format.Height <= 0) {
				t.Fatalf("format %+v", format)
			}
			if err != nil {
				if !errors.Is(err, errNoPicture) && !errors.Is(err, errNoParameterSets) && !errors.Is(err, ErrTooLarge) &&
					!errors.Is(err, errBadFrame) && !errors.Is(err, errBadOBU) && !errors.Is(err, errNoRewrite) && !errors.Is(err, errLost) {
					t.Fatalf("error %v", err)
				}
				continue
			}
			payloads := coding.packetise(sent, key)
			if len(payloads) == 0 {
				t.Fatal("a picture without packets")
			}
			for _, payload := range payloads {
				if len(payload) == 0 || len(payload) > maxPayload {
					t.Fatalf("payload of %d bytes", len(payload))
				}
			}
		}
		_ = IsKey(c, units)
		_, _ = ReadFormat(c, units)
	})
}
