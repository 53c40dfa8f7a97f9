package media

// ProfileLevelID is the profile and level of an H.264 stream: profile_idc, constraint flags and level_idc
// (RFC 6184 section 8.1).
type ProfileLevelID [3]byte

// ParseProfileLevelID reads six hexadecimal digits.
func ParseProfileLevelID(s string) (ProfileLevelID, error) { panic("x") }

// ProfileOf returns the profile and level that a sequence parameter set declares.
func ProfileOf(sps []byte) (ProfileLevelID, error) { panic("x") }

// String returns six lower-case hexadecimal digits.
func (p ProfileLevelID) String() string { panic("x") }
