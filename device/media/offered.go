package media

import (
	"fmt"
	"strconv"
	"strings"
)

// Offered is one video format of a viewer's offer: a codec under a payload type, and what of it the viewer decodes.
type Offered struct {
	PayloadType uint8
	Codec       Codec
	// Profile and PacketizationMode are those of H.264, H265, VP9 and AV1 those of the other codecs, as in Format. Of H265
	// only Profile, HighTier and Level are set.
	Profile           ProfileLevelID
	PacketizationMode int
	H265              H265Profile
	VP9               VP9Profile
	AV1               AV1Profile
}

// What an offer means that leaves out a parameter.
var (
	// defaultProfile is Baseline, level 1 (RFC 6184 section 8.1).
	defaultProfile = ProfileLevelID{0x42, 0x00, 0x0a}
	// defaultH265 is Main in the main tier, level 3.1 (RFC 7798 section 7.1).
	defaultH265 = H265Profile{Profile: 1, Level: 93}
	// defaultAV1 is Main in the main tier, level 3.1 (AV1 RTP payload format section 7.2.1).
	defaultAV1 = AV1Profile{Level: 5}
)

// ParseOffered reads one payload type of an offer by its encoding name, in any case, and its fmtp parameters. It fails when
// the codec is none of those that pass, or a parameter makes no sense.
func ParseOffered(payloadType uint8, encoding, fmtp string) (Offered, error) {
	o := Offered{PayloadType: payloadType}
	for _, c := range []Codec{CodecH264, CodecH265, CodecVP8, CodecVP9, CodecAV1} {
		if strings.EqualFold(encoding, string(c)) {
			o.Codec = c
		}
	}
	switch o.Codec {
	case "":
		return Offered{}, fmt.Errorf("codec %.20q does not pass", encoding)
	case CodecH264:
		o.Profile = defaultProfile
	case CodecH265:
		o.H265 = defaultH265
	case CodecAV1:
		o.AV1 = defaultAV1
	}
	for parameter := range strings.SplitSeq(fmtp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		if err := o.set(strings.ToLower(strings.TrimSpace(name)), strings.TrimSpace(value)); err != nil {
			return Offered{}, err
		}
	}
	return o, nil
}

// set takes one parameter; those that say nothing about what can be sent are ignored.
func (o *Offered) set(name, value string) (err error) {
	switch o.Codec {
	case CodecH264:
		switch name {
		case "profile-level-id":
			o.Profile, err = ParseProfileLevelID(value)
		case "packetization-mode":
			o.PacketizationMode, err = number[int](name, value, 2)
		}
	case CodecH265:
		switch name {
		case "profile-id":
			o.H265.Profile, err = number[uint8](name, value, 31)
		case "tier-flag":
			o.H265.HighTier, err = flag(name, value)
		case "level-id":
			o.H265.Level, err = number[uint8](name, value, 255)
		}
	case CodecVP9:
		if name == "profile-id" {
			o.VP9, err = number[VP9Profile](name, value, 3)
		}
	case CodecAV1:
		switch name {
		case "profile":
			o.AV1.Profile, err = number[uint8](name, value, 2)
		case "level-idx":
			o.AV1.Level, err = number[uint8](name, value, 31)
		case "tier":
			o.AV1.HighTier, err = flag(name, value)
		}
	}
	return err
}

// number reads a parameter from 0 to most.
func number[T ~int | ~uint8](name, value string, most int) (T, error) {
	n, err := strconv.Atoi(value)
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("%s %.20q is not 0 to %d", name, value, most)
	}
	return T(n), nil
}

func flag(name, value string) (bool, error) {
	n, err := number[int](name, value, 1)
	return n == 1, err
}
