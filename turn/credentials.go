package turn

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha1" // What the TURN REST format asks for; collisions do not weaken an HMAC.
	"encoding/base64"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// DefaultRealm is the realm of a server that is given none.
const DefaultRealm = "sightline"

// minSecretBytes is the least that signs credentials: the size of HMAC-SHA1's output (RFC 2104 section 3).
const minSecretBytes = sha1.Size

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

// Keyring mints and verifies credentials in the TURN REST format, so that coturn could stand in: the password is
// base64(HMAC-SHA1(secret, username)). It is safe for concurrent use.
type Keyring struct {
	newest  record.RelaySecret
	secrets map[string][]byte
}

// NewKeyring makes a keyring of one or more secrets: the one created last signs, all verify. An ID is 1 to 64
// letters, digits, '-' and '_', a secret 20 bytes or more.
func NewKeyring(secrets []record.RelaySecret) (*Keyring, error) {
	if len(secrets) == 0 {
		return nil, errors.New("use a keyring of relay secrets: it is empty")
	}
	k := &Keyring{secrets: make(map[string][]byte, len(secrets))}
	for _, s := range secrets {
		switch {
		case !validKeyID(s.ID):
			return nil, fmt.Errorf("use relay secret %q: its ID is not 1 to 64 letters, digits, '-' and '_'", s.ID)
		case len(s.Secret) < minSecretBytes:
			return nil, fmt.Errorf("use relay secret %s: it has %d bytes, fewer than %d", s.ID, len(s.Secret), minSecretBytes)
		case k.secrets[s.ID] != nil:
			return nil, fmt.Errorf("use relay secret %s: there are two of that ID", s.ID)
		}
		k.secrets[s.ID] = slices.Clone(s.Secret)
	}
	k.newest = slices.MaxFunc(secrets, func(a, b record.RelaySecret) int {
		return cmp.Or(a.Created.Compare(b.Created), cmp.Compare(a.ID, b.ID))
	})
	return k, nil
}

// Mint returns credentials of the grant that allocate until expires, cut to whole seconds.
func (k *Keyring) Mint(grant protocol.GrantID, role protocol.Role, expires time.Time) Credentials {
	name := Username{Expires: expires, Key: k.newest.ID, Grant: grant, Role: role}.String()
	return Credentials{Username: name, Password: password(k.secrets[k.newest.ID], name)}
}

// Verify reads a username that was signed by a key of the ring and returns the password that proves it. Whether
// the client has it, the caller finds out; so it does whether the username has expired.
func (k *Keyring) Verify(username string) (Username, string, error) {
	u, err := ParseUsername(username)
	if err != nil {
		return Username{}, "", err
	}
	secret, ok := k.secrets[u.Key]
	if !ok {
		return Username{}, "", errCredentials
	}
	return u, password(secret, username), nil
}

func password(secret []byte, username string) string {
	mac := hmac.New(sha1.New, secret)
	mac.Write([]byte(username))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
