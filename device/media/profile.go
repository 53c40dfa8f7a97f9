package media

import (
	"encoding/hex"
	"fmt"
)

// ProfileLevelID is the profile and level of an H.264 stream: profile_idc, constraint flags and level_idc
// (RFC 6184 section 8.1).
type ProfileLevelID [3]byte

// ParseProfileLevelID reads six hexadecimal digits.
func ParseProfileLevelID(s string) (ProfileLevelID, error) {
	var p ProfileLevelID
	if len(s) != 2*len(p) {
		return p, fmt.Errorf("profile-level-id %.20q is not six hexadecimal digits", s)
	}
	if _, err := hex.Decode(p[:], []byte(s)); err != nil {
		return ProfileLevelID{}, fmt.Errorf("profile-level-id %.20q is not six hexadecimal digits", s)
	}
	return p, nil
}

// ProfileOf returns the profile and level that a sequence parameter set declares.
func ProfileOf(sps []byte) (ProfileLevelID, error) {
	if len(sps) < 4 || sps[0]&0x1f != 7 {
		return ProfileLevelID{}, fmt.Errorf("not an H.264 sequence parameter set")
	}
	return ProfileLevelID(sps[1:4]), nil
}

// String returns six lower-case hexadecimal digits.
func (p ProfileLevelID) String() string { return hex.EncodeToString(p[:]) }

// profile is a profile of H.264 annex A, and family the ones that a decoder of one mostly has together.
type (
	profile string
	family  string
)

const (
	constrainedBaseline profile = "Constrained Baseline"
	baseline            profile = "Baseline"
	mainProfile         profile = "Main"
	extended            profile = "Extended"
	constrainedHigh     profile = "Constrained High"
	progressiveHigh     profile = "Progressive High"
	high                profile = "High"

	familyBaseline family = "Baseline"
	familyMain     family = "Main"
	familyHigh     family = "High"
)

// profilePatterns is RFC 6184 table 5, with the two constrained forms of High from H.264 annex A.2.4: a profile_idc,
// which constraint flags count, and what they must be.
var profilePatterns = []struct {
	idc, mask, flags byte
	profile          profile
	family           family
}{
	{0x42, 0x4f, 0x40, constrainedBaseline, familyBaseline},
	{0x4d, 0x8f, 0x80, constrainedBaseline, familyBaseline},
	{0x58, 0xcf, 0xc0, constrainedBaseline, familyBaseline},
	{0x42, 0x4f, 0x00, baseline, familyBaseline},
	{0x58, 0xcf, 0x80, baseline, familyBaseline},
	{0x4d, 0xaf, 0x00, mainProfile, familyMain},
	{0x58, 0xcf, 0x00, extended, "Extended"},
	{0x64, 0xff, 0x0c, constrainedHigh, familyHigh},
	{0x64, 0xff, 0x08, progressiveHigh, familyHigh},
	{0x64, 0xff, 0x00, high, familyHigh},
}

// profile returns the profile and its family. Combinations that no table knows are a profile of their own, in the
// family of their profile_idc.
func (p ProfileLevelID) profile() (profile, family) {
	for _, t := range profilePatterns {
		if p[0] == t.idc && p[1]&t.mask == t.flags {
			return t.profile, t.family
		}
	}
	own := profile(hex.EncodeToString(p[:2]))
	for _, t := range profilePatterns {
		if p[0] == t.idc {
			return own, t.family
		}
	}
	return own, family(own)
}

// ranks orders the families by what a decoder of them knows: each includes those below it, leaving aside tools of Baseline
// for lossy links that no encoder of a camera uses.
var ranks = map[family]int{familyBaseline: 1, familyMain: 2, familyHigh: 3}

// above reports whether a decoder of the profile decodes a stream of another.
func (p ProfileLevelID) above(stream ProfileLevelID) bool {
	_, decoder := p.profile()
	_, needed := stream.profile()
	return decoder == needed || ranks[needed] > 0 && ranks[decoder] > ranks[needed]
}
