package sightline

import (
	"context"
	"iter"
	"net/url"

	"github.com/sightline-rtc/sightline/protocol"
)

const sessionsPath = "/v1/sessions"

// SessionFilter chooses sessions of a list. Empty fields choose all.
type SessionFilter struct {
	Device protocol.DeviceID
	State  protocol.SessionState
}

// Sessions goes through the sessions of the last 30 days, the newest first.
func (c *Client) Sessions(ctx context.Context, filter SessionFilter) iter.Seq2[Session, error] {
	query := url.Values{}
	if filter.Device != "" {
		query.Set("device", string(filter.Device))
	}
	if filter.State != "" {
		query.Set("state", string(filter.State))
	}
	return list[Session](ctx, c, sessionsPath, "sessions", query)
}

// Session returns a session, and how its media went.
func (c *Client) Session(ctx context.Context, id protocol.SessionID) (SessionDetails, error) {
	return get[SessionDetails](ctx, c, at(sessionsPath, id), nil)
}

// OpenSession looks at a device for a program that speaks offer and answer alone: the offer has all its candidates, and so has the
// answer.
func (c *Client) OpenSession(ctx context.Context, in OpenSessionInput) (OpenSessionOutput, error) {
	return post[OpenSessionOutput](ctx, c, sessionsPath, in)
}

// CloseSession ends a session: the picture stops at once. Closing it once more is harmless.
func (c *Client) CloseSession(ctx context.Context, id protocol.SessionID) error {
	return c.remove(ctx, at(sessionsPath, id))
}
