package sightline

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// How long a viewer token lives: DefaultTokenLife unless it says otherwise, MaxTokenLife at most.
const (
	DefaultTokenLife = time.Hour
	MaxTokenLife     = 24 * time.Hour
)

// Signer makes viewer tokens without asking the server, which knows its public half: a rush of viewers never touches
// an API. Register the public key with Client.CreateSigningKey, which names it. It is safe for concurrent use.
type Signer struct {
	// ID is the name that the server gave it.
	ID string
	// Project is whose key it is.
	Project protocol.ProjectID
	Private ed25519.PrivateKey
}

// Claims are what a token that a Signer makes says.
type Claims struct {
	// Device is the camera that may be looked at.
	Device protocol.DeviceID
	// Rights are what the viewer may do; none mean to look and to listen.
	Rights []protocol.Right
	// Subject is who looks, in your words, at most 128 bytes; it stands in sessions and events.
	Subject string
	// Life is how long the token is good; 0 means DefaultTokenLife.
	Life time.Duration
	// Terms are how its sessions may go.
	Terms
}

// Terms are how sessions may go, within those of their project. The zero value leaves everything open.
type Terms struct {
	// Path is direct_only, prefer_direct or relay_only.
	Path protocol.PathPolicy `json:"path,omitempty"`
	// RelayDelayMS is how many milliseconds a viewer tries without the relay first; nil is as the project says.
	RelayDelayMS *int64 `json:"relay_delay_ms,omitempty"`
	// MaxRelayS bounds a session's seconds on the relay, MaxKbps what it carries there a second each way; 0 is no bound.
	MaxRelayS int64 `json:"max_relay_s,omitempty"`
	MaxKbps   int   `json:"max_kbps,omitempty"`
	// RelayHD says whether the camera's best rendition may go over the relay; nil is as the project says.
	RelayHD *bool `json:"relay_hd,omitempty"`
}

// ParsePrivateKey reads an Ed25519 private key in PEM (PKCS #8), as `openssl genpkey -algorithm ed25519` writes it.
func ParsePrivateKey(text []byte) (ed25519.PrivateKey, error) {
	block, _ := pem.Decode(text)
	if block == nil {
		return nil, errors.New("sightline: this is no PEM")
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("sightline: read the private key: %w", err)
	}
	private, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("sightline: the private key is a %T, not Ed25519", key)
	}
	return private, nil
}

// Token makes a viewer token (RFC 7519, RFC 8037). It fails for claims that the server would refuse.
func (k Signer) Token(c Claims) (string, error) { return k.tokenAt(c, time.Now()) }

func (k Signer) tokenAt(c Claims, now time.Time) (string, error) {
	switch {
	case len(k.Private) != ed25519.PrivateKeySize || k.ID == "" || !k.Project.Valid():
		return "", errors.New("sightline: the signing key is not complete")
	case !c.Device.Valid():
		return "", errors.New("sightline: the token names no device")
	case c.Life < 0 || c.Life > MaxTokenLife:
		return "", fmt.Errorf("sightline: a token lives %v at most", MaxTokenLife)
	case len(c.Subject) > protocol.MaxNameBytes:
		return "", fmt.Errorf("sightline: the subject is over %d bytes", protocol.MaxNameBytes)
	}
	if c.Life == 0 {
		c.Life = DefaultTokenLife
	}
	if c.Rights == nil {
		c.Rights = []protocol.Right{protocol.RightView, protocol.RightAudio}
	}
	for _, right := range c.Rights {
		if !right.Valid() {
			return "", fmt.Errorf("sightline: there is no right %q", right)
		}
	}
	header, err := segment(map[string]string{"alg": "EdDSA", "typ": "JWT", "kid": k.ID})
	if err != nil {
		return "", err
	}
	claims, err := segment(struct {
		Issuer   protocol.ProjectID `json:"iss"`
		Audience string             `json:"aud"`
		Subject  string             `json:"sub,omitempty"`
		Issued   int64              `json:"iat"`
		Expires  int64              `json:"exp"`
		ID       string             `json:"jti"`
		Project  protocol.ProjectID `json:"prj"`
		Device   protocol.DeviceID  `json:"dev"`
		Rights   []protocol.Right   `json:"grants"`
		Terms
	}{k.Project, "sightline", c.Subject, now.Unix(), now.Add(c.Life).Unix(), rand.Text(), k.Project, c.Device, c.Rights, c.Terms})
	if err != nil {
		return "", err
	}
	signed := header + "." + claims
	return signed + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(k.Private, []byte(signed))), nil
}

// segment is a part of a JWT.
func segment(v any) (string, error) {
	text, err := json.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("sightline: encode the token: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(text), nil
}
