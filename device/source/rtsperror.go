package source

import (
	"errors"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/sightline-rtc/sightline/protocol"
)

// explain says in words what went wrong with a camera. A protocol.Error stays one.
func (s *rtspSource) explain(err error) error {
	var typed *protocol.Error
	var refused *refusedError
	switch {
	case errors.As(err, &typed):
		return fmt.Errorf("source %s: %w", s, typed)
	case errors.As(err, &refused):
		return fmt.Errorf("source %s: %w", s, refused)
	}
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		return fmt.Errorf("source %s: %s", s, s.status(status))
	}
	var timeout net.Error
	if words, ok := explainCertificate(err); ok {
		return fmt.Errorf("source %s: %s", s, words)
	}
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return fmt.Errorf("source %s: the camera closed the connection", s)
	case errors.As(err, new(liberrors.ErrClientRequestTimedOut)):
		return fmt.Errorf("source %s: the camera did not answer within %s", s, rtspTimeout)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("source %s: the camera cannot be reached within %s", s, rtspTimeout)
	case errors.As(err, new(liberrors.ErrClientUDPTimeout)), errors.As(err, new(liberrors.ErrClientTCPTimeout)):
		return fmt.Errorf("source %s: nothing came for %s", s, rtspTimeout)
	}
	return fmt.Errorf("source %s: %w", s, s.scrub(err))
}

func (s *rtspSource) status(e liberrors.ErrClientBadStatusCode) string {
	switch {
	case e.Code == base.StatusUnauthorized && s.target.url.User == nil:
		return "the camera wants a user name and a password: write rtsp://user:password@host/path (401)"
	case e.Code == base.StatusUnauthorized: // the same password was accepted a moment ago
		return "the camera wants to know the password again (401)"
	case e.Code == base.StatusForbidden:
		return "the camera does not let this user see the stream (403)"
	case e.Code == base.StatusNotFound:
		return "the camera has no stream at this path (404)"
	case e.Code == base.StatusServiceUnavailable || e.Code == base.StatusNotEnoughBandwidth:
		return fmt.Sprintf("the camera is busy, perhaps with too many viewers of its own (%d)", e.Code)
	}
	return s.scrub(e).Error()
}

// namedSecret is a password in the path or the query of a URL, where some cameras want it: rtsp://host/user=a&password=b.
var namedSecret = regexp.MustCompile(`(?i)(pass(?:word|wd)?|pwd|token)=[^&/\s"]+`)

// unnamed takes such passwords out of a text.
func unnamed(text string) string { return namedSecret.ReplaceAllString(text, "$1=…") }

// scrub takes the password out of an error's text, in case a library put the whole URL in.
func (s *rtspSource) scrub(err error) error {
	text := err.Error()
	clean := unnamed(text)
	if user := s.target.url.User; user != nil {
		clean = strings.ReplaceAll(clean, user.String()+"@", "")
		if password, _ := user.Password(); password != "" {
			clean = strings.ReplaceAll(clean, password, "…")
		}
	}
	if clean == text {
		return err
	}
	return errors.New(clean)
}

// maxShown bounds what a camera says and people read.
const maxShown = 200

// elsewhereError says where a camera sent the client and it did not go.
type elsewhereError string

// Error implements error.
func (e elsewhereError) Error() string {
	return fmt.Sprintf("the camera says that the stream is at %q: write that as the source if it is right", string(e)[:min(len(e), maxShown)])
}
