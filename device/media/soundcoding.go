package media

import (
	"math"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"
)

const (
	// telephoneRate is the rate of G.711 in browsers, telephoneFrame what one packet of it carries, as telephones send it.
	telephoneRate  = 8000
	telephoneFrame = 20 * time.Millisecond
	// frameSamples are the samples, and bytes, of such a packet.
	frameSamples = int(telephoneFrame * telephoneRate / time.Second)
	// soundSlack is how far the time of a frame may be from the end of the one before: less is the rounding or the jitter of a
	// source's clock and is taken out, more is a gap or a jump and stays.
	soundSlack = 10 * time.Millisecond
)

// Bounds of sound that can be converted, and of one frame of it: a second of 48 kHz in stereo.
const (
	minSoundRate     = 4000
	maxSoundRate     = 192000
	maxSoundChannels = 8
	maxSoundBytes    = 192000
)

// soundCoding brings the sound of one life of a source into the form that is sent: Opus, and G.711 at 8 kHz with one channel,
// as they are, other PCM as PCMU.
type soundCoding struct {
	in, out AudioFormat
	// next is when the frame after the last is due; running tells that there has been one.
	next    time.Duration
	running bool

	// rates converts from one rate to another, nil if it is the same; rest is sound that makes no whole frame yet and began
	// at restAt.
	rates  *resampler
	rest   []float32
	restAt time.Duration
}

// newSoundCoding returns nil for sound that cannot be sent.
func newSoundCoding(in AudioFormat) *soundCoding {
	c := &soundCoding{in: in, out: in}
	telephone := in.ClockRate == telephoneRate && in.Channels == 1
	switch in.Codec {
	case CodecOpus:
		return c
	case CodecPCMU, CodecPCMA:
		if telephone {
			return c
		}
	case CodecL16:
	default:
		return nil
	}
	if in.ClockRate < minSoundRate || in.ClockRate > maxSoundRate || in.Channels < 1 || in.Channels > maxSoundChannels {
		return nil
	}
	c.out = AudioFormat{Codec: CodecPCMU, ClockRate: telephoneRate, Channels: 1}
	if in.ClockRate != telephoneRate {
		c.rates = newResampler(int(in.ClockRate), telephoneRate)
	}
	return c
}

// take returns the frames to send; their payloads share memory with the given one or are new.
func (c *soundCoding) take(f AudioFrame) []AudioFrame {
	if len(f.Payload) == 0 || len(f.Payload) > maxSoundBytes {
		return nil
	}
	jumped := !c.running || (f.PTS-c.next).Abs() > soundSlack
	if !jumped {
		f.PTS = c.next
	}
	c.next, c.running = f.PTS+c.duration(f.Payload), true
	if c.out != c.in {
		return c.convert(f, jumped)
	}
	if len(f.Payload) <= maxPayload {
		return []AudioFrame{f}
	}
	if c.in.Codec == CodecOpus {
		return nil // that is 475 kbit/s at 20 ms, which no camera makes, and it cannot be cut
	}
	var frames []AudioFrame
	for len(f.Payload) > 0 {
		n := min(frameSamples, len(f.Payload))
		frames = append(frames, AudioFrame{Payload: f.Payload[:n], PTS: f.PTS})
		f.Payload, f.PTS = f.Payload[n:], f.PTS+telephoneFrame
	}
	return frames
}

// duration returns how long the sound of a frame is.
func (c *soundCoding) duration(payload []byte) time.Duration {
	if c.in.Codec == CodecOpus {
		return time.Duration(opus.PacketDuration2(payload)) * time.Second / 48000
	}
	return time.Duration(len(payload)/c.sampleBytes()) * time.Second / time.Duration(c.in.ClockRate)
}

// sampleBytes is the size of one sample of all channels.
func (c *soundCoding) sampleBytes() int {
	if c.in.Codec == CodecL16 {
		return 2 * c.in.Channels
	}
	return c.in.Channels
}

// convert makes frames of PCMU.
func (c *soundCoding) convert(f AudioFrame, jumped bool) (frames []AudioFrame) {
	if jumped {
		c.rest, c.restAt = c.rest[:0], f.PTS
		if c.rates != nil {
			c.rates.reset()
		}
	}
	samples := c.mono(f.Payload)
	if c.rates != nil {
		c.rest = c.rates.write(c.rest, samples)
	} else {
		c.rest = append(c.rest, samples...)
	}
	for len(c.rest) >= frameSamples {
		frames = append(frames, AudioFrame{Payload: encodePCMU(c.rest[:frameSamples]), PTS: c.restAt})
		c.rest = c.rest[:copy(c.rest, c.rest[frameSamples:])]
		c.restAt += telephoneFrame
	}
	return frames
}

// mono reads the samples of a payload, the mean of all channels.
func (c *soundCoding) mono(payload []byte) []float32 {
	switch c.in.Codec {
	case CodecPCMU:
		var linear g711.Mulaw
		linear.Unmarshal(payload)
		payload = linear
	case CodecPCMA:
		var linear g711.Alaw
		linear.Unmarshal(payload)
		payload = linear
	}
	samples := make([]float32, len(payload)/2/c.in.Channels)
	for i := range samples {
		sum := 0
		for range c.in.Channels {
			sum += int(int16(payload[0])<<8 | int16(payload[1]))
			payload = payload[2:]
		}
		samples[i] = float32(sum) / float32(c.in.Channels)
	}
	return samples
}

// encodePCMU encodes samples of 16 bits.
func encodePCMU(samples []float32) []byte {
	linear := make(g711.Mulaw, 0, 2*len(samples))
	for _, v := range samples {
		sample := int16(math.Round(float64(min(max(v, math.MinInt16), math.MaxInt16))))
		linear = append(linear, byte(sample>>8), byte(sample))
	}
	encoded, err := linear.Marshal()
	if err != nil {
		return nil // only an odd number of bytes fails
	}
	return encoded
}
