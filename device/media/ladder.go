package media

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// OfferedH264 is one H.264 format of a viewer's offer.
type OfferedH264 struct {
	PayloadType       uint8
	Profile           ProfileLevelID
	PacketizationMode int
}

// defaultProfile is what an offer without profile-level-id means: Baseline, level 1 (RFC 6184 section 8.1).
var defaultProfile = ProfileLevelID{0x42, 0x00, 0x0a}

// ParseOfferedH264 reads the fmtp parameters of one H.264 payload type, with the defaults of RFC 6184 section 8.1.
func ParseOfferedH264(payloadType uint8, fmtp string) (OfferedH264, error) {
	o := OfferedH264{PayloadType: payloadType, Profile: defaultProfile}
	for parameter := range strings.SplitSeq(fmtp, ";") {
		name, value, _ := strings.Cut(strings.TrimSpace(parameter), "=")
		value = strings.TrimSpace(value)
		var err error
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "profile-level-id":
			o.Profile, err = ParseProfileLevelID(value)
		case "packetization-mode":
			o.PacketizationMode, err = parsePacketizationMode(value)
		}
		if err != nil {
			return OfferedH264{}, err
		}
	}
	return o, nil
}

func parsePacketizationMode(s string) (int, error) {
	mode, err := strconv.Atoi(s)
	if err != nil || mode < 0 || mode > 2 {
		return 0, fmt.Errorf("packetization-mode %.20q is not 0, 1 or 2", s)
	}
	return mode, nil
}

// ChooseH264 returns the format of the offer under which to send a stream. All rungs want packetization-mode 1, since
// keyframes need fragments; levels are ignored, since level asymmetry is allowed. In order:
//
//   - the exact profile: Safari shows black when told 42e01f and fed High;
//   - another profile of the same family;
//   - 42e01f, then 42001f, Constrained Baseline and Baseline: browsers whose decoder knows more than they offer, such
//     as Chromium, decode Main and High under them.
//
// It fails with a protocol.Error of CodeCodec that names what each side has.
func ChooseH264(stream ProfileLevelID, offer []OfferedH264) (OfferedH264, error) {
	wantProfile, wantFamily := stream.profile()
	rungs := []func(profile, family) bool{
		func(p profile, _ family) bool { return p == wantProfile },
		func(_ profile, f family) bool { return f == wantFamily },
		func(p profile, _ family) bool { return p == constrainedBaseline },
		func(p profile, _ family) bool { return p == baseline },
	}
	for _, fits := range rungs {
		for _, o := range offer {
			if o.PacketizationMode == 1 && fits(o.Profile.profile()) {
				return o, nil
			}
		}
	}
	return OfferedH264{}, protocol.Errorf(protocol.CodeCodec,
		"the camera sends H.264 %s (%s) in packetization-mode 1; the viewer takes %s", wantProfile, stream, offerInWords(offer))
}

// offerInWords lists at most eight formats, which is more than any browser offers.
func offerInWords(offer []OfferedH264) string {
	if len(offer) == 0 {
		return "no H.264"
	}
	var words []string
	for _, o := range offer[:min(len(offer), 8)] {
		p, _ := o.Profile.profile()
		words = append(words, fmt.Sprintf("%s (%s) in mode %d", p, o.Profile, o.PacketizationMode))
	}
	return "H.264 " + strings.Join(words, ", ")
}
