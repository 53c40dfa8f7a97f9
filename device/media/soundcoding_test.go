package media

import (
	"encoding/binary"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// tone makes L16 of a sine, in packets of about the given length.
func tone(hertz float64, rate, channels int, each, whole time.Duration) (frames []AudioFrame) {
	var f AudioFrame
	for i := range int(whole * time.Duration(rate) / time.Second) {
		at := time.Duration(i) * time.Second / time.Duration(rate)
		if i%int(each*time.Duration(rate)/time.Second) == 0 {
			frames = append(frames, f)
			f = AudioFrame{PTS: 5*time.Second + at}
		}
		for range channels {
			v := int16(8000 * math.Sin(2*math.Pi*hertz*float64(i)/float64(rate)))
			f.Payload = binary.BigEndian.AppendUint16(f.Payload, uint16(v))
		}
	}
	return append(frames, f)[1:]
}

// level returns the amplitude of a tone in PCMU at 8 kHz. It must be in step with the time.
func level(t *testing.T, frames []AudioFrame, hertz float64) float64 {
	t.Helper()
	var re, im float64
	n := 0
	for _, f := range frames[2:] { // the first follow silence
		var linear g711.Mulaw
		linear.Unmarshal(f.Payload)
		for i := range len(f.Payload) {
			v := float64(int16(binary.BigEndian.Uint16(linear[2*i:])))
			phase := 2 * math.Pi * hertz * (f.PTS.Seconds() + float64(i)/telephoneRate)
			re, im, n = re+v*math.Sin(phase), im+v*math.Cos(phase), n+1
		}
	}
	if math.Abs(im) > math.Abs(re)/20 && math.Abs(re)/float64(n) > 100 {
		t.Errorf("the tone of %v Hz is out of step: %v against %v", hertz, im, re)
	}
	return 2 * math.Hypot(re, im) / float64(n)
}

func TestPCMOfAnyRateBecomesPCMU(t *testing.T) {
	for _, rate := range []int{6000, 8000, 11025, 16000, 22050, 32000, 44100, 47999, 48000, 96000} {
		for _, channels := range []int{1, 2} {
			t.Run(fmt.Sprintf("%d Hz, %d channels", rate, channels), func(t *testing.T) {
				c := newSoundCoding(AudioFormat{Codec: CodecL16, ClockRate: uint32(rate), Channels: channels})
				if want := (AudioFormat{Codec: CodecPCMU, ClockRate: 8000, Channels: 1}); c.out != want {
					t.Fatalf("goes out as %+v", c.out)
				}
				var got []AudioFrame
				for _, f := range tone(1000, rate, channels, 20*time.Millisecond, time.Second) {
					got = append(got, c.take(f)...)
				}
				if len(got) < 48 || len(got) > 50 {
					t.Fatalf("got %d frames of a second, want 48 to 50", len(got))
				}
				for i, f := range got {
					if len(f.Payload) != 160 || f.PTS != 5*time.Second+time.Duration(i)*20*time.Millisecond {
						t.Fatalf("frame %d: %d bytes at %s", i, len(f.Payload), f.PTS)
					}
				}
				if got := level(t, got, 1000); got < 7700 || got > 8300 {
					t.Errorf("the tone has an amplitude of %.0f, want 8000", got)
				}
			})
		}
	}
}

func TestSoundOver4kHzIsFilteredOut(t *testing.T) {
	for _, hertz := range []float64{5000, 6000, 7500, 12000} {
		c := newSoundCoding(AudioFormat{Codec: CodecL16, ClockRate: 48000, Channels: 1})
		var got []AudioFrame
		for _, f := range tone(hertz, 48000, 1, 20*time.Millisecond, time.Second) {
			got = append(got, c.take(f)...)
		}
		for _, f := range got[2:] {
			var linear g711.Mulaw
			linear.Unmarshal(f.Payload)
			for i := range len(f.Payload) {
				if v := int16(binary.BigEndian.Uint16(linear[2*i:])); v > 16 || v < -16 {
					t.Fatalf("%v Hz: a sample of %d came through", hertz, v)
				}
			}
		}
	}
}

func TestG711AtOtherRatesIsConverted(t *testing.T) {
	for _, codec := range []Codec{CodecPCMU, CodecPCMA} {
		c := newSoundCoding(AudioFormat{Codec: codec, ClockRate: 16000, Channels: 1})
		var got []AudioFrame
		for _, f := range tone(1000, 16000, 1, 40*time.Millisecond, time.Second) {
			var err error
			if codec == CodecPCMU {
				f.Payload, err = g711.Mulaw(f.Payload).Marshal()
			} else {
				f.Payload, err = g711.Alaw(f.Payload).Marshal()
			}
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, c.take(f)...)
		}
		if got := level(t, got, 1000); got < 7600 || got > 8400 {
			t.Errorf("%s: the tone has an amplitude of %.0f, want 8000", codec, got)
		}
	}
}

func TestSoundThatBrowsersPlayPasses(t *testing.T) {
	for name, test := range map[string]struct {
		format AudioFormat
		in     []AudioFrame
		want   []time.Duration
	}{
		"G.711 in its own frames": {
			AudioFormat{CodecPCMA, 8000, 1},
			[]AudioFrame{{make([]byte, 320), 0}, {make([]byte, 320), 40 * time.Millisecond}},
			[]time.Duration{0, 40 * time.Millisecond},
		},
		"G.711 that fits no packet": {
			AudioFormat{CodecPCMU, 8000, 1},
			[]AudioFrame{{make([]byte, 1200), time.Second}},
			[]time.Duration{
				1000 * time.Millisecond, 1020 * time.Millisecond, 1040 * time.Millisecond, 1060 * time.Millisecond,
				1080 * time.Millisecond, 1100 * time.Millisecond, 1120 * time.Millisecond, 1140 * time.Millisecond,
			},
		},
		"a clock that trembles": {
			AudioFormat{CodecPCMU, 8000, 1},
			[]AudioFrame{{make([]byte, 160), 0}, {make([]byte, 160), 23 * time.Millisecond}, {make([]byte, 160), 36 * time.Millisecond}},
			[]time.Duration{0, 20 * time.Millisecond, 40 * time.Millisecond},
		},
		"a gap": {
			AudioFormat{CodecPCMU, 8000, 1},
			[]AudioFrame{{make([]byte, 160), 0}, {make([]byte, 160), 40 * time.Millisecond}, {make([]byte, 160), 60 * time.Millisecond}},
			[]time.Duration{0, 40 * time.Millisecond, 60 * time.Millisecond},
		},
		"Opus of 20 ms": {
			AudioFormat{CodecOpus, 48000, 2},
			[]AudioFrame{{[]byte{0xfc, 1, 2}, 0}, {[]byte{0xfc, 1, 2}, 19 * time.Millisecond}, {[]byte{0xfc, 1, 2}, 41 * time.Millisecond}},
			[]time.Duration{0, 20 * time.Millisecond, 40 * time.Millisecond},
		},
		"nothing, and too much": {
			AudioFormat{CodecOpus, 48000, 2},
			[]AudioFrame{{nil, 0}, {make([]byte, maxPayload+1), 0}, {make([]byte, maxSoundBytes+1), 0}},
			nil,
		},
	} {
		c := newSoundCoding(test.format)
		var got []time.Duration
		for _, f := range test.in {
			for _, out := range c.take(f) {
				if len(out.Payload) > maxPayload {
					t.Errorf("%s: frame of %d bytes", name, len(out.Payload))
				}
				got = append(got, out.PTS)
			}
		}
		if diff := cmp.Diff(test.want, got); diff != "" || c.out != test.format {
			t.Errorf("%s: goes out as %+v, %s", name, c.out, diff)
		}
	}
}

func TestConvertedSoundSkipsAGap(t *testing.T) {
	c := newSoundCoding(AudioFormat{Codec: CodecL16, ClockRate: 16000, Channels: 1})
	var got []time.Duration
	for i, f := range tone(1000, 16000, 1, 20*time.Millisecond, 200*time.Millisecond) {
		if i >= 5 {
			f.PTS += time.Second
		}
		for _, out := range c.take(f) {
			got = append(got, out.PTS-5*time.Second)
		}
	}
	const ms = time.Millisecond
	if diff := cmp.Diff([]time.Duration{0, 20 * ms, 40 * ms, 60 * ms, 1100 * ms, 1120 * ms, 1140 * ms, 1160 * ms}, got); diff != "" {
		t.Error(diff)
	}
}

func TestSoundThatCannotBeSentIsNoted(t *testing.T) {
	s := NewStream(Config{})
	told := 0
	s.OnFormat(func() { told++ })
	for _, format := range []AudioFormat{{CodecL16, 0, 1}, {CodecL16, 48000, 0}, {CodecPCMU, 1 << 31, 1}, {"AAC", 48000, 2}} {
		s.Restarted(&format)
		if _, ok := s.Audio(); ok {
			t.Errorf("%+v: is sent", format)
		}
		s.WriteAudio(AudioFrame{Payload: []byte{1, 2}})
		if notes := s.Notes(); len(notes) != 1 || notes[0].Code != protocol.NoteAudioDropped {
			t.Errorf("%+v: notes %+v", format, notes)
		}
	}
	s.Restarted(nil)
	if len(s.Notes()) != 0 || told != 4 {
		t.Errorf("notes of a source without sound: %+v; told %d times", s.Notes(), told)
	}
}

func FuzzSoundCoding(f *testing.F) {
	f.Add(uint8(0), uint32(48000), uint8(2), []byte{1, 2, 3, 4, 5}, int64(0))
	f.Add(uint8(1), uint32(16000), uint8(1), make([]byte, 5000), int64(1<<40))
	f.Add(uint8(3), uint32(48000), uint8(2), []byte{0xff}, int64(-5))
	f.Fuzz(func(t *testing.T, codec uint8, rate uint32, channels uint8, payload []byte, pts int64) {
		codecs := []Codec{CodecL16, CodecPCMU, CodecPCMA, CodecOpus}
		c := newSoundCoding(AudioFormat{Codec: codecs[codec%4], ClockRate: rate % 200_000, Channels: int(channels) % 10})
		if c == nil {
			return
		}
		for i := range 3 {
			for _, out := range c.take(AudioFrame{Payload: payload, PTS: time.Duration(pts + int64(i))}) {
				if len(out.Payload) == 0 || len(out.Payload) > maxPayload {
					t.Fatalf("frame of %d bytes", len(out.Payload))
				}
			}
		}
	})
}
