package protocol

import "strings"

// Identifiers are types of their own so that they cannot be mixed up. All are safe in URLs and log lines
// once Valid says so.
type (
	// ProjectID names a project: a partner's own space.
	ProjectID string
	// DeviceID names a device.
	DeviceID string
	// SessionID names one viewer looking at one device: a UUIDv7 chosen by the viewer (RFC 9562 section 5.7).
	SessionID string
	// LinkID names a link.
	LinkID string
	// GrantID names a relay grant: 128 random bits in 32 lower-case hexadecimal digits.
	GrantID string
	// KeyID names an API key without being one.
	KeyID string
	// NodeID names one running server process.
	NodeID string
)

// DefaultProject is made when a server starts on an empty store.
const DefaultProject ProjectID = "default"

// Valid reports whether the identifier has 1 to 64 characters of a-z, 0-9, '-' and '_'.
func (id ProjectID) Valid() bool { return isSlug(string(id)) }

// Valid reports whether the identifier has 1 to 64 characters of a-z, 0-9, '-' and '_'.
func (id DeviceID) Valid() bool { return isSlug(string(id)) }

// Valid reports whether the identifier is a UUID in its canonical lower-case form.
func (id SessionID) Valid() bool {
	if len(id) != 36 {
		return false
	}
	for i := range len(id) {
		switch i {
		case 8, 13, 18, 23:
			if id[i] != '-' {
				return false
			}
		default:
			if !isHex(id[i]) {
				return false
			}
		}
	}
	return true
}

// Valid reports whether the identifier is 32 lower-case hexadecimal digits.
func (id GrantID) Valid() bool {
	if len(id) != 32 {
		return false
	}
	for i := range len(id) {
		if !isHex(id[i]) {
			return false
		}
	}
	return true
}

func isSlug(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

func isHex(c byte) bool { return c >= '0' && c <= '9' || c >= 'a' && c <= 'f' }

// Role says which kind of client a link belongs to, or which end of a session a relay grant serves.
type Role string

// The two roles.
const (
	RoleDevice Role = "device"
	RoleViewer Role = "viewer"
)

// Valid reports whether the role is one of the two.
func (r Role) Valid() bool { return r == RoleDevice || r == RoleViewer }

// Right is something a viewer token allows on its device.
type Right string

// The rights a token can carry.
const (
	RightView    Right = "view"
	RightAudio   Right = "audio"
	RightTalk    Right = "talk"
	RightControl Right = "control"
)

// Valid reports whether the right is in the list.
func (r Right) Valid() bool {
	switch r {
	case RightView, RightAudio, RightTalk, RightControl:
		return true
	}
	return false
}
