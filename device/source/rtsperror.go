package source

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"

	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"

	"github.com/sightline-rtc/sightline/protocol"
)

// explain says in words what went wrong with a camera. A protocol.Error stays one.
func (s *rtspSource) explain(err error) error {
	var typed *protocol.Error
	if errors.As(err, &typed) {
		return fmt.Errorf("source %s: %w", s, typed)
	}
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) {
		return fmt.Errorf("source %s: %s", s, s.status(status))
	}
	var timeout net.Error
	switch {
	case err == nil || errors.Is(err, io.EOF):
		return fmt.Errorf("source %s: the camera closed the connection", s)
	case errors.As(err, new(liberrors.ErrClientRequestTimedOut)):
		return fmt.Errorf("source %s: the camera did not answer within %s", s, rtspTimeout)
	case errors.As(err, &timeout) && timeout.Timeout():
		return fmt.Errorf("source %s: the camera cannot be reached within %s", s, rtspTimeout)
	}
	return fmt.Errorf("source %s: %w", s, s.scrub(err))
}

func (s *rtspSource) status(e liberrors.ErrClientBadStatusCode) string {
	switch {
	case e.Code == base.StatusUnauthorized && s.url.User == nil:
		return "the camera wants a user name and a password: write rtsp://user:password@host/path (401)"
	case e.Code == base.StatusUnauthorized || e.Code == base.StatusForbidden:
		return fmt.Sprintf("the camera refuses this user name and password (%d)", e.Code)
	case e.Code == base.StatusNotFound:
		return "the camera has no stream at this path (404)"
	case e.Code == base.StatusServiceUnavailable || e.Code == base.StatusNotEnoughBandwidth:
		return fmt.Sprintf("the camera is busy, perhaps with too many viewers of its own (%d)", e.Code)
	}
	return s.scrub(e).Error()
}

// scrub takes the password out of an error's text, in case a library put the whole URL in.
func (s *rtspSource) scrub(err error) error {
	if s.url.User == nil {
		return err
	}
	text := err.Error()
	clean := strings.ReplaceAll(text, s.url.User.String()+"@", "")
	if password, _ := s.url.User.Password(); password != "" {
		clean = strings.ReplaceAll(clean, password, "…")
	}
	if clean == text {
		return err
	}
	return errors.New(clean)
}
