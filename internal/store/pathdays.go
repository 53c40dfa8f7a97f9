package store

import (
	"context"
	"database/sql"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// PathLife is how long it is kept how media went each day: a year and a month to compare it with.
const PathLife = 400 * 24 * time.Hour

// pathDays gathers what one transaction adds to the days of projects and devices. The zero device is the project's sum.
type pathDays map[pathDay]*pathSum

type pathDay struct {
	project protocol.ProjectID
	device  protocol.DeviceID
	day     string
	means   protocol.Means
}

// pathSum is a row of path_days, or what is added to one.
type pathSum struct {
	sessions, ms, beyondMS      int64
	bytes, beyondBytes, relayed uint64
}

// at returns what is added to a row.
func (d pathDays) at(project protocol.ProjectID, device protocol.DeviceID, day string, means protocol.Means) *pathSum {
	key := pathDay{project, device, day, means}
	if d[key] == nil {
		d[key] = &pathSum{}
	}
	return d[key]
}

// both returns what is added for a device, and for its project.
func (d pathDays) both(s record.Session, day string, means protocol.Means) []*pathSum {
	sums := []*pathSum{d.at(s.Project, "", day, means)}
	if s.Device != "" {
		sums = append(sums, d.at(s.Project, s.Device, day, means))
	}
	return sums
}

// addNews adds what a session's account says more than the one that was known.
func (d pathDays) addNews(s record.Session, known *record.Account) {
	type cell struct {
		day    string
		means  protocol.Means
		beyond bool
	}
	before := map[cell]record.Stretch{}
	for _, old := range known.Stretches {
		before[cell{old.Day, old.Means, old.Beyond}] = old
	}
	for _, stretch := range s.Account.Stretches {
		old := before[cell{stretch.Day, stretch.Means, stretch.Beyond}]
		if stretch.Day == "" || stretch.Time < old.Time || stretch.Bytes < old.Bytes {
			continue // it was put together with others, when all of them were known
		}
		ms, bytes := stretch.Time.Milliseconds()-old.Time.Milliseconds(), stretch.Bytes-old.Bytes
		for _, sum := range d.both(s, stretch.Day, stretch.Means) {
			sum.ms += ms
			sum.bytes += bytes
			if stretch.Beyond {
				sum.beyondMS += ms
				sum.beyondBytes += bytes
			}
		}
	}
	for _, tally := range []struct {
		*record.Tally
		count int64
	}{{known.Tallied, -1}, {s.Account.Tallied, 1}} {
		if tally.Tally == nil {
			continue
		}
		for _, sum := range d.both(s, tally.Day, tally.Means) {
			sum.sessions += tally.count
		}
	}
}

// write adds everything to the rows.
func (d pathDays) write(ctx context.Context, tx *tx) error {
	for key, sum := range d {
		if *sum == (pathSum{}) {
			continue
		}
		if _, err := tx.ExecContext(ctx, `INSERT INTO path_days (project, device, day, means,
				sessions, time_ms, bytes, beyond_ms, beyond_bytes, relay_bytes)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (project, device, day, means) DO UPDATE SET
				sessions = path_days.sessions + excluded.sessions, time_ms = path_days.time_ms + excluded.time_ms,
				bytes = path_days.bytes + excluded.bytes, beyond_ms = path_days.beyond_ms + excluded.beyond_ms,
				beyond_bytes = path_days.beyond_bytes + excluded.beyond_bytes, relay_bytes = path_days.relay_bytes + excluded.relay_bytes`,
			key.project, key.device, key.day, key.means,
			sum.sessions, sum.ms, sum.bytes, sum.beyondMS, sum.beyondBytes, sum.relayed); err != nil {
			return err
		}
	}
	return nil
}

// PathUsage sums up how a project's media went, ordered by device, day and means. Of devices it returns a page, and the
// cursor to the next one, empty at the end; 0 devices, or more than MaxPage, mean MaxPage.
func (s *Store) PathUsage(ctx context.Context, in protocol.ProjectID, f record.PathFilter, cursor string, devices int) ([]record.PathUsage, string, error) {
	device, day := `''`, `''`
	where, args := `device = ?`, []any{in, f.From, f.To, f.Device}
	size := 0
	switch {
	case f.Group == record.GroupDay:
		day = `day`
	case f.Group == record.GroupDevice:
		device = `device`
		if f.Device != "" {
			break
		}
		size = pageSize(devices)
		where = `device IN (SELECT DISTINCT device FROM path_days
			WHERE project = ? AND day BETWEEN ? AND ? AND device > ? ORDER BY device LIMIT ?)`
		args = []any{in, f.From, f.To, in, f.From, f.To, cursor, size}
	}
	list, err := all(ctx, s.reader, scanPathUsage, `SELECT `+device+` AS of_device, `+day+` AS of_day, means, SUM(sessions), SUM(time_ms), SUM(bytes),
		SUM(beyond_ms), SUM(beyond_bytes), SUM(relay_bytes)
		FROM path_days WHERE project = ? AND day BETWEEN ? AND ? AND `+where+`
		GROUP BY of_device, of_day, means ORDER BY of_device, of_day, means`, args...)
	if err != nil {
		return nil, "", about(err, "sum up paths")
	}
	list, next := cutDevices(list, size-1)
	return list, next, nil
}

// cutDevices leaves so many devices, and returns the last if there were more; below 1 means all.
func cutDevices(list []record.PathUsage, most int) ([]record.PathUsage, string) {
	for i, seen := 1, 1; most > 0 && i < len(list); i++ {
		if list[i].Device == list[i-1].Device {
			continue
		}
		if seen++; seen > most {
			return list[:i], string(list[i-1].Device)
		}
	}
	return list, ""
}

func scanPathUsage(row *sql.Rows) (record.PathUsage, error) {
	var u record.PathUsage
	var ms, beyondMS int64
	err := row.Scan(&u.Device, &u.Day, &u.Means, &u.Sessions, &ms, &u.Bytes, &beyondMS, &u.BeyondBytes, &u.RelayBytes)
	u.Time, u.BeyondTime = time.Duration(ms)*time.Millisecond, time.Duration(beyondMS)*time.Millisecond
	return u, err
}
