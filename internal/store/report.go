package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// reportPeriod is how often a project's use is reported: at the first look after each full hour, where there was any.
	reportPeriod = time.Hour
	// unreported chooses the rows of projects' books that say more than the reports, with the words of an index.
	unreported = `device = '' AND (sessions <> told_sessions OR time_ms <> told_ms OR bytes <> told_bytes OR relay_bytes <> told_relay_bytes)`
)

// Report writes, for each project that has had none in the hour that it is and whose books say more than its reports
// together, a report of the difference, in one transaction with the note that it was told. So whoever reports, however
// often, and whenever processes end: reports add up to the books, and there is one an hour at most.
func (s *Store) Report(ctx context.Context) error {
	now := s.now()
	hour := stampOf(now.Truncate(reportPeriod))
	due, err := all(ctx, s.reader, scanDue, `SELECT id, CASE WHEN reported_ms = 0 THEN created_ms ELSE reported_ms END FROM projects
		WHERE created_ms < ? AND reported_ms < ? AND id IN (SELECT project FROM path_days WHERE `+unreported+`)`,
		hour, hour)
	if err != nil {
		return about(err, "look for reports that are due")
	}
	for _, d := range due {
		err := s.write(ctx, func(tx *tx) error {
			first, err := change(ctx, tx, `UPDATE projects SET reported_ms = ? WHERE id = ? AND reported_ms < ?`, stampOf(now), d.project, hour)
			if err != nil || !first {
				return err // another process was faster
			}
			return report(ctx, tx, d.project, d.from, now)
		})
		if err != nil {
			return about(err, "report usage of project %s", d.project)
		}
	}
	return nil
}

// dueReport is a project and until when it was reported before.
type dueReport struct {
	project protocol.ProjectID
	from    time.Time
}

func scanDue(row *sql.Rows) (d dueReport, err error) {
	var from stamp
	err = row.Scan(&d.project, &from)
	d.from = from.time()
	return d, err
}

func report(ctx context.Context, tx *tx, project protocol.ProjectID, from, until time.Time) error {
	news, err := all(ctx, tx, func(row *sql.Rows) (n usageNews, err error) {
		err = row.Scan(&n.means, &n.sessions, &n.ms, &n.bytes, &n.relayed)
		return n, err
	}, `SELECT means, SUM(sessions - told_sessions), SUM(time_ms - told_ms), SUM(bytes - told_bytes), SUM(relay_bytes - told_relay_bytes)
		FROM path_days WHERE project = ? AND `+unreported+` GROUP BY means`, project)
	if err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, `UPDATE path_days SET told_sessions = sessions, told_ms = time_ms, told_bytes = bytes,
		told_relay_bytes = relay_bytes WHERE project = ? AND `+unreported, project); err != nil {
		return err
	}
	data := record.UsageEvent{From: from, Until: until}
	for _, n := range news {
		data.Sessions += n.sessions
		data.RelayedBytes += n.relayed
		total := &data.Direct
		if n.means == protocol.MeansRelay {
			total = &data.Relay
		}
		total.TimeMS += n.ms
		total.Bytes += n.bytes
	}
	return insertEventOf(ctx, tx, record.Event{Project: project, Kind: record.EventUsageReport, At: until}, data)
}

// usageNews is what the books say more of one means than the reports.
type usageNews struct {
	means          protocol.Means
	sessions, ms   int64
	bytes, relayed uint64
}
