package app

import (
	"context"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
)

// sessions are the store's, for the API. A test session has credentials of the relay and no hub that knows it: whoever
// ends its row must close the relay too.
type sessions struct {
	*store.Sessions
	relay interface{ End(id protocol.GrantID) }
}

// End ends a session's row and then what the session has of the relay, at once.
func (s sessions) End(ctx context.Context, in protocol.ProjectID, id protocol.SessionID, reason protocol.Reason) error {
	row, err := s.Get(ctx, in, id)
	if err != nil {
		return err
	}
	if err := s.Sessions.End(ctx, in, id, reason); err != nil {
		return err
	}
	for _, grant := range []protocol.GrantID{row.ViewerGrant, row.DeviceGrant} {
		if grant != "" {
			s.relay.End(grant)
		}
	}
	return nil
}
