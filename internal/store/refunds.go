package store

import (
	"context"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// refundWindow is how much of a session comes back that our side broke off: as much as nobody wants to pay for who has to
// begin again.
const refundWindow = time.Minute

// ourFault reports whether a session ended through a failure of ours.
func ourFault(reason protocol.Reason) bool { return reason == protocol.ReasonInternal }

// refund gives back what was settled in the last minute of a session, or of an allocation without one, each settlement
// once.
func (t *till) refund(ctx context.Context, project protocol.ProjectID, session protocol.SessionID, allocation string, ended time.Time) error {
	p, err := t.of(ctx, project)
	if err != nil || p == nil {
		return err
	}
	whose, name := `session = ?`, string(session)
	if session == "" {
		whose, name = `session = '' AND allocation = ?`, allocation
	}
	owed, err := all(ctx, t.tx, scanEntry, `SELECT `+entryColumns+` FROM ledger AS settled
		WHERE project = ? AND kind = ? AND `+whose+` AND at_ms >= ? AND amount < 0 AND NOT EXISTS (SELECT 1 FROM ledger AS refunds
			WHERE refunds.project = settled.project AND refunds.reference = 'settle-' || CAST(settled.seq AS TEXT))
		ORDER BY seq`, project, record.EntrySettle, name, stampOf(ended.Add(-refundWindow)))
	if err != nil {
		return err
	}
	for _, e := range owed {
		if _, err := t.enter(ctx, p, record.Entry{
			Kind: record.EntryRefund, Amount: -e.Amount, Bytes: e.Bytes, Time: e.Time, Session: e.Session, Allocation: e.Allocation,
			Reference: fmt.Sprintf("settle-%d", e.Seq),
		}); err != nil {
			return err
		}
	}
	return nil
}
