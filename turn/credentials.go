package turn

import (
	"crypto/hmac"
	"crypto/sha1" // What the TURN REST format asks for; collisions do not weaken an HMAC.
	"encoding/base64"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// DefaultRealm is the realm of a server that is given none.
const DefaultRealm = "sightline"

// maxUsernameBytes bounds a username: RFC 8489 section 14.3 allows less than 509 bytes.
const maxUsernameBytes = 508

// errCredentials is all that is said of a username that is not ours: it comes from a stranger.
var errCredentials = errors.New("not a username of this server")

// Username is what a TURN username says: `<unix expiry>:<kid>.<grant>.<role>`.
type Username struct {
	// Expires is the moment, in whole seconds, from which no allocation can be made any more. What is allocated goes
	// on until its grant ends.
	Expires time.Time
	// Key names the secret that signs.
	Key   string
	Grant protocol.GrantID
	Role  protocol.Role
}

// String returns the username as it goes on the wire.
func (u Username) String() string {
	return strconv.FormatInt(u.Expires.Unix(), 10) + ":" + u.Key + "." + u.User()
}

// User returns the part that stays when credentials are renewed. An allocation belongs to it.
func (u Username) User() string { return user(u.Grant, u.Role) }

func user(grant protocol.GrantID, role protocol.Role) string {
	return string(grant) + "." + string(role)
}

// ParseUsername reads a username. It accepts only what String writes, and says nothing about whether the key is
// known or the grant alive.
func ParseUsername(s string) (Username, error) {
	if len(s) > maxUsernameBytes {
		return Username{}, errCredentials
	}
	expiry, rest, _ := strings.Cut(s, ":")
	seconds, err := strconv.ParseInt(expiry, 10, 64)
	if err != nil || seconds < 0 || strconv.FormatInt(seconds, 10) != expiry {
		return Username{}, errCredentials
	}
	key, rest, _ := strings.Cut(rest, ".")
	grant, role, err := parseUser(rest)
	if err != nil || !validKeyID(key) {
		return Username{}, errCredentials
	}
	return Username{Expires: time.Unix(seconds, 0).UTC(), Key: key, Grant: grant, Role: role}, nil
}

func parseUser(s string) (protocol.GrantID, protocol.Role, error) {
	grant, role, _ := strings.Cut(s, ".")
	if !protocol.GrantID(grant).Valid() || !protocol.Role(role).Valid() {
		return "", "", errCredentials
	}
	return protocol.GrantID(grant), protocol.Role(role), nil
}

func validKeyID(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '-' && r != '_'
	}) < 0
}

// Credentials are what a TURN client authenticates with (RFC 8489 section 9.2). They do not print their password.
type Credentials struct {
	Username string
	Password string
}

// String returns the username alone.
func (c Credentials) String() string { return c.Username }

// GoString returns the username alone.
func (c Credentials) GoString() string { return c.Username }

// LogValue returns the username alone.
func (c Credentials) LogValue() slog.Value { return slog.StringValue(c.Username) }

func password(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
