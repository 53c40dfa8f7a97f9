package media

import (
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

// Agreement is the format of a viewer's offer under which a camera's pictures are sent.
type Agreement struct {
	Offered
	// offer is all that the viewer takes.
	offer []Offered
}

// Choose agrees on the format for a camera whose renditions have the given formats, the best first; those without a codec are
// not known and do not count. It is the format of the best rendition that the viewer can decode or, if another rendition
// of the same codec would be left out then, one that covers more of them. It fails with a protocol.Error of CodeCodec that
// names what each side has.
func Choose(renditions []Format, offer []Offered) (Agreement, error) {
	best := slices.IndexFunc(renditions, func(f Format) bool {
		_, ok := climb(f, offer)
		return ok
	})
	if best < 0 {
		return Agreement{}, protocol.Errorf(protocol.CodeCodec, "the camera sends %s; the viewer takes %s",
			renditionsInWords(renditions), offerInWords(offer))
	}
	var agreed Agreement
	most := 0
	for _, f := range renditions[best:] {
		rung, ok := climb(f, offer)
		a := Agreement{rung, offer}
		if !ok || !a.Covers(renditions[best]) {
			continue
		}
		covered := 0
		for _, other := range renditions {
			if a.Covers(other) {
				covered++
			}
		}
		if covered > most {
			agreed, most = a, covered
		}
	}
	return agreed, nil
}

// Covers reports whether pictures of a format may be sent under the agreement: it is what would be agreed on for them, or
// asks more of a decoder than they do.
func (a Agreement) Covers(f Format) bool {
	if rung, ok := climb(f, a.offer); ok && rung.PayloadType == a.PayloadType {
		return true
	}
	if a.Codec != f.Codec {
		return false
	}
	switch f.Codec {
	case CodecH264:
		return a.Profile.above(f.Profile)
	case CodecH265:
		return decodesH265(a.H265, f.H265)
	case CodecAV1:
		return a.AV1.Profile >= f.AV1.Profile
	default:
		return a.VP9 == f.VP9
	}
}

// climb returns the first rung of the ladder of a format's codec that the offer has.
func climb(f Format, offer []Offered) (Offered, bool) {
	for _, fits := range rungs(f) {
		for _, o := range offer {
			if o.Codec == f.Codec && fits(o) {
				return o, true
			}
		}
	}
	return Offered{}, false
}

// rungs are what to look for in an offer, in this order. The codec is that of the format.
func rungs(f Format) []func(Offered) bool {
	switch f.Codec {
	case CodecH264:
		return rungsH264(f.Profile)
	case CodecH265:
		// There is no asymmetry of levels (RFC 7798 section 7.2.2), and decoders are of hardware: they mean what they say.
		return []func(Offered) bool{
			func(o Offered) bool { return o.H265.Profile == f.H265.Profile && decodesH265(o.H265, f.H265) },
			func(o Offered) bool { return decodesH265(o.H265, f.H265) },
		}
	case CodecVP8:
		return []func(Offered) bool{func(Offered) bool { return true }}
	case CodecVP9:
		return []func(Offered) bool{func(o Offered) bool { return o.VP9 == f.VP9 }}
	case CodecAV1:
		// Browsers say level 3.1 whatever they decode, and decode in software what their hardware does not: a level that is too
		// low is no reason to show nothing. A profile includes those below it (AV1 section 6.4.1).
		return []func(Offered) bool{
			func(o Offered) bool { return o.AV1.Profile == f.AV1.Profile && reachesAV1(o.AV1, f.AV1) },
			func(o Offered) bool { return o.AV1.Profile == f.AV1.Profile },
			func(o Offered) bool { return o.AV1.Profile > f.AV1.Profile },
		}
	default:
		return nil
	}
}

// rungsH264 is the ladder of H.264. All rungs want packetization-mode 1, since keyframes need fragments; levels are ignored,
// since level asymmetry is allowed. In order:
//
//   - the exact profile: Safari shows black when told 42e01f and fed High;
//   - another profile of the same family;
//   - 42e01f, then 42001f, Constrained Baseline and Baseline: browsers whose decoder knows more than they offer, such
//     as Chromium, decode Main and High under them.
func rungsH264(stream ProfileLevelID) []func(Offered) bool {
	wantProfile, wantFamily := stream.profile()
	named := func(fits func(profile, family) bool) func(Offered) bool {
		return func(o Offered) bool { return o.PacketizationMode == 1 && fits(o.Profile.profile()) }
	}
	return []func(Offered) bool{
		named(func(p profile, _ family) bool { return p == wantProfile }),
		named(func(_ profile, f family) bool { return f == wantFamily }),
		named(func(p profile, _ family) bool { return p == constrainedBaseline }),
		named(func(p profile, _ family) bool { return p == baseline }),
	}
}

// decodesH265 reports whether a decoder of one profile, tier and level decodes a stream of another.
func decodesH265(decoder, stream H265Profile) bool {
	compatible := decoder.Profile == stream.Profile || stream.Compatible>>(31-decoder.Profile%32)&1 == 1
	return compatible && decoder.Level >= stream.Level && (decoder.HighTier || !stream.HighTier)
}

func reachesAV1(decoder, stream AV1Profile) bool {
	return decoder.Level >= stream.Level && (decoder.HighTier || !stream.HighTier)
}
