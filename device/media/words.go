package media

import (
	"fmt"
	"slices"
	"strings"
)

// codecWords are the names that people know the codecs by.
var codecWords = map[Codec]string{
	CodecH264: "H.264", CodecH265: "H.265", CodecVP8: "VP8", CodecVP9: "VP9", CodecAV1: "AV1",
	CodecOpus: "Opus", CodecPCMU: "G.711", CodecPCMA: "G.711", CodecL16: "PCM",
}

// String returns the name that people know the codec by.
func (c Codec) String() string {
	if name, ok := codecWords[c]; ok {
		return name
	}
	return string(c)
}

// String names the codec and the profile, such as "H.264 High (640028)".
func (f Format) String() string {
	switch f.Codec {
	case CodecH264:
		return inWordsH264(f.Profile)
	case CodecH265:
		return "H.265 " + f.H265.String()
	case CodecVP9:
		return fmt.Sprintf("VP9 profile %d", f.VP9)
	case CodecAV1:
		return "AV1 " + f.AV1.String()
	default:
		return f.Codec.String()
	}
}

// String names the format as Format does.
func (o Offered) String() string {
	if o.Codec == CodecH264 {
		return fmt.Sprintf("%s in mode %d", inWordsH264(o.Profile), o.PacketizationMode)
	}
	return Format{Codec: o.Codec, H265: o.H265, VP9: o.VP9, AV1: o.AV1}.String()
}

func inWordsH264(p ProfileLevelID) string {
	name, _ := p.profile()
	return fmt.Sprintf("H.264 %s (%s)", name, p)
}

// String names the profile, the level and, if it is the high one, the tier.
func (p H265Profile) String() string {
	name := fmt.Sprintf("profile %d", p.Profile)
	if int(p.Profile) < len(profiles265) && p.Profile > 0 {
		name = profiles265[p.Profile]
	}
	return fmt.Sprintf("%s level %.1f%s", name, float64(p.Level)/30, tierWords(p.HighTier))
}

// String names the profile, the level and, if it is the high one, the tier.
func (p AV1Profile) String() string {
	name := fmt.Sprintf("profile %d", p.Profile)
	if int(p.Profile) < len(profilesAV1) {
		name = profilesAV1[p.Profile]
	}
	return fmt.Sprintf("%s level %d.%d%s", name, 2+p.Level/4, p.Level%4, tierWords(p.HighTier))
}

// The names of profiles by their number (H.265 section A.3, AV1 section 6.4.1).
var (
	profiles265 = []string{1: "Main", 2: "Main 10", 3: "Main Still Picture", 4: "Range Extensions"}
	profilesAV1 = []string{"Main", "High", "Professional"}
)

func tierWords(high bool) string {
	if high {
		return " high tier"
	}
	return ""
}

// renditionsInWords lists the formats that are known.
func renditionsInWords(renditions []Format) string {
	var words []string
	for _, f := range renditions {
		if f.Codec != "" {
			words = append(words, f.String())
		}
	}
	if len(words) == 0 {
		return "nothing yet"
	}
	return strings.Join(slices.Compact(words), " and ")
}

// maxWords bounds the formats of an offer that are listed; no browser has more.
const maxWords = 16

// offerInWords lists what a viewer takes.
func offerInWords(offer []Offered) string {
	var words []string
	for _, o := range offer {
		if word := o.String(); !slices.Contains(words, word) && len(words) < maxWords {
			words = append(words, word)
		}
	}
	if len(words) == 0 {
		return "no video format that cameras have"
	}
	return strings.Join(words, ", ")
}
