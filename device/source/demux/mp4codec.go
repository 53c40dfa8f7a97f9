package demux

import (
	"encoding/binary"
	"errors"
	"fmt"

	"github.com/sightline-rtc/sightline/device/media"
)

// mp4Codec is what the description of a track's samples says.
type mp4Codec struct {
	codec media.Codec
	// lengthSize is how many bytes the length before each NAL unit has.
	lengthSize int
	// sets are the parameter sets, or the sequence header of AV1.
	sets [][]byte
	// leftOut names the track when it cannot be played.
	leftOut string
}

func (c mp4Codec) video() bool { return c.codec != media.CodecOpus }

// Sizes of the fixed parts of sample entries (ISO/IEC 14496-12 sections 12.1.3 and 12.2.3).
const (
	videoEntry = 8 + 70
	soundEntry = 8 + 20
)

var mp4Names = map[string]string{
	"mp4a": "sound in AAC", ".mp3": "sound in MP3", "ac-3": "sound in AC-3", "ec-3": "sound in E-AC-3", "fLaC": "sound in FLAC",
	"alaw": "sound in G.711", "ulaw": "sound in G.711", "sowt": "sound in PCM", "twos": "sound in PCM", "lpcm": "sound in PCM",
	"mp4v": "pictures in MPEG-4", "jpeg": "pictures in Motion JPEG", "tx3g": "subtitles", "tmcd": "a time code",
}

// readDescription reads the first entry of a sample description box.
func readDescription(data []byte) mp4Codec {
	r := fields{b: data}
	r.full()
	r.u32()
	size, kind := r.u32(), string(r.take(4))
	entry := r.b
	if size >= 8 && int64(size)-8 < int64(len(entry)) {
		entry = entry[:size-8]
	}
	c := mp4Codec{}
	switch kind {
	case "avc1", "avc3":
		c = readAVC(child(entry, videoEntry, "avcC"))
	case "hvc1", "hev1":
		c = readHEVC(child(entry, videoEntry, "hvcC"))
	case "av01":
		c = mp4Codec{codec: media.CodecAV1}
		if config := child(entry, videoEntry, "av1C"); len(config) > 4 {
			c.sets, _ = splitOBUs(config[4:]) // They stand before keyframes too.
		}
	case "vp08":
		c.codec = media.CodecVP8
	case "vp09":
		c.codec = media.CodecVP9
	case "Opus":
		c = readOpus(child(entry, soundEntry, "dOps"))
	default:
		c.leftOut = mp4Names[kind]
		if c.leftOut == "" {
			c.leftOut = fmt.Sprintf("a track of type %q", kind)
		}
	}
	return c
}

// child returns what the box of a kind holds that stands in a sample entry after its fixed part.
func child(entry []byte, fixed int, kind string) []byte {
	if len(entry) < fixed {
		return nil
	}
	for b := entry[fixed:]; len(b) >= 8; {
		size := int64(binary.BigEndian.Uint32(b))
		if size < 8 || size > int64(len(b)) {
			return nil
		}
		if string(b[4:8]) == kind {
			return b[8:size]
		}
		b = b[size:]
	}
	return nil
}

// readAVC reads an AVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 5.3.3).
func readAVC(config []byte) mp4Codec {
	r := fields{b: config}
	r.u32()
	c := mp4Codec{codec: media.CodecH264, lengthSize: int(r.u8()&3) + 1}
	for range r.u8() & 0x1f {
		c.sets = append(c.sets, r.take(int(r.u16())))
	}
	for range r.u8() {
		c.sets = append(c.sets, r.take(int(r.u16())))
	}
	if r.short {
		return mp4Codec{leftOut: "H.264 without a description"}
	}
	return c
}

// readHEVC reads an HEVCDecoderConfigurationRecord (ISO/IEC 14496-15 section 8.3.3).
func readHEVC(config []byte) mp4Codec {
	r := fields{b: config}
	r.take(21)
	c := mp4Codec{codec: media.CodecH265, lengthSize: int(r.u8()&3) + 1}
	for range r.u8() {
		r.u8() // type
		for range r.u16() {
			if r.short {
				return mp4Codec{leftOut: "H.265 without a description"}
			}
			c.sets = append(c.sets, r.take(int(r.u16())))
		}
	}
	if r.short {
		return mp4Codec{leftOut: "H.265 without a description"}
	}
	return c
}

// readOpus reads an OpusSpecificBox: its version, then the number of channels.
func readOpus(config []byte) mp4Codec {
	if len(config) < 2 || config[1] > 2 {
		return mp4Codec{leftOut: "sound in Opus of more than two channels"}
	}
	return mp4Codec{codec: media.CodecOpus}
}

// unitsOf takes a sample apart. Parameter sets go before each that decoding can start with.
func (c mp4Codec) unitsOf(data []byte, key bool) ([][]byte, error) {
	switch c.codec {
	case media.CodecH264, media.CodecH265:
		units, err := c.splitLengths(data)
		if err != nil || !key && !media.IsKey(c.codec, units) {
			return units, err
		}
		return append(append([][]byte{}, c.sets...), units...), nil
	case media.CodecAV1:
		units, err := splitOBUs(data)
		if err == nil && key && !hasSequenceHeader(units) {
			units = append(append([][]byte{}, c.sets...), units...)
		}
		return units, err
	default:
		return [][]byte{data}, nil
	}
}

// hasSequenceHeader reports whether there is an OBU of type 1.
func hasSequenceHeader(obus [][]byte) bool {
	for _, obu := range obus {
		if obu[0]>>3&0xf == 1 {
			return true
		}
	}
	return false
}

var errLengths = errors.New("it is damaged: the NAL units of a picture do not fit into it")

// splitLengths takes a sample of length-prefixed NAL units apart.
func (c mp4Codec) splitLengths(data []byte) ([][]byte, error) {
	var units [][]byte
	for len(data) > 0 {
		if len(data) < c.lengthSize {
			return nil, errLengths
		}
		size := uint64(0)
		for _, b := range data[:c.lengthSize] {
			size = size<<8 | uint64(b)
		}
		data = data[c.lengthSize:]
		if size > uint64(len(data)) {
			return nil, errLengths
		}
		if size > 0 {
			units = append(units, data[:size:size])
		}
		data = data[size:]
	}
	return units, nil
}
