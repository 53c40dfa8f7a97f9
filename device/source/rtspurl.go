package source

import (
	"bytes"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
)

// rtspTarget is what a specification such as rtsps://user:password@host/path?transport=tcp&fingerprint=… says.
type rtspTarget struct {
	// url is what the camera is asked for, without the options.
	url *base.URL
	// transport is the only one that is used; nil leaves the choice.
	transport *gortsplib.Protocol
	// fingerprint is the SHA-256 of the certificate that the camera must have; nil asks the system's authorities.
	fingerprint []byte
}

// errRTSPForm does not show its cause, which would show parts of the password.
var errRTSPForm = errors.New("source rtsp: write it as rtsp://host/path or rtsp://user:password@host:port/path, " +
	"with special characters of the password percent-encoded")

func parseRTSP(spec string) (*rtspTarget, error) {
	u, err := base.ParseURL(spec)
	if err != nil || u.Hostname() == "" {
		return nil, errRTSPForm
	}
	t := &rtspTarget{url: u}
	var rest []string
	for pair := range strings.SplitSeq(u.RawQuery, "&") {
		taken, err := t.option(pair)
		if err != nil {
			return nil, err
		}
		if !taken {
			rest = append(rest, pair) // as it stands: cameras want their order
		}
	}
	u.RawQuery = strings.Join(rest, "&")
	if t.fingerprint != nil && u.Scheme != "rtsps" {
		return nil, errors.New("source rtsp: a fingerprint is of rtsps:// only: rtsp:// has no certificate")
	}
	return t, nil
}

// option reads one pair of the query; false leaves it to the camera.
func (t *rtspTarget) option(pair string) (taken bool, err error) {
	switch key, value, _ := strings.Cut(pair, "="); key {
	case "transport":
		p := gortsplib.ProtocolUDP
		switch value {
		case "tcp":
			p = gortsplib.ProtocolTCP
		case "udp":
		default:
			return true, fmt.Errorf("source rtsp: transport is tcp or udp, not %q", value)
		}
		t.transport = &p
		return true, nil
	case "fingerprint":
		sum, err := hex.DecodeString(strings.ReplaceAll(value, ":", ""))
		if err != nil || len(sum) != sha256.Size {
			return true, fmt.Errorf("source rtsp: fingerprint is the SHA-256 of the camera's certificate, %d hexadecimal digits",
				2*sha256.Size)
		}
		t.fingerprint = sum
		return true, nil
	}
	return false, nil
}

// tls returns the settings for rtsps://.
func (t *rtspTarget) tls() *tls.Config {
	c := &tls.Config{MinVersion: tls.VersionTLS12}
	if t.fingerprint == nil {
		return c
	}
	c.InsecureSkipVerify = true // VerifyConnection is stricter
	c.VerifyConnection = func(s tls.ConnectionState) error {
		if len(s.PeerCertificates) == 0 || !bytes.Equal(fingerprintOf(s.PeerCertificates[0].Raw), t.fingerprint) {
			return errFingerprint
		}
		return nil
	}
	return c
}

var errFingerprint = errors.New("the camera's certificate is not the one with the fingerprint of the source's URL")

func fingerprintOf(certificate []byte) []byte {
	sum := sha256.Sum256(certificate)
	return sum[:]
}

// explainCertificate says what to do about a certificate that no known authority signed; false means another error.
func explainCertificate(err error) (string, bool) {
	var verify *tls.CertificateVerificationError
	switch {
	case errors.Is(err, errFingerprint):
		return errFingerprint.Error(), true
	case errors.As(err, &verify) && len(verify.UnverifiedCertificates) > 0:
		return fmt.Sprintf("the camera's certificate cannot be verified (%v); if it is the camera's own, add fingerprint=%x to the URL's query",
			verify.Err, fingerprintOf(verify.UnverifiedCertificates[0].Raw)), true
	}
	return "", false
}
