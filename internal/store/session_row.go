package store

import (
	"database/sql"
	"encoding/json"
	"fmt"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// sessionFields are the columns that a session is written to.
const sessionFields = `id, kind, project, device, api_key, viewer, rights, owner, video, audio, talk,
	viewer_grant, device_grant, created_ms, expires_ms, answered_ms, ended_ms, reason, path, terms,
	device_project, payer, door`

// sessionColumns are what it is read from: the fields, and the sum over all allocations of all grants it ever had.
var sessionColumns = sessionFields + relayed("up_bytes") + relayed("up_packets") + relayed("down_bytes") + relayed("down_packets")

func relayed(column string) string {
	return `, (SELECT COALESCE(SUM(u.` + column + `), 0) FROM session_grants g
		JOIN relay_usage u ON u.grant_id = g.grant_id WHERE g.session = sessions.id)`
}

// scanSession reads the columns, and into others what a query has after them.
func scanSession(row *sql.Rows, others ...any) (record.Session, error) {
	var s record.Session
	var created, expires, answered, ended stamp
	var rights, path, terms string
	err := row.Scan(append([]any{
		&s.ID, &s.Kind, &s.Project, &s.Device, &s.Key, &s.Viewer, &rights, &s.Owner,
		&s.Media.Video, &s.Media.Audio, &s.Media.Talk, &s.ViewerGrant, &s.DeviceGrant,
		&created, &expires, &answered, &ended, &s.Reason, &path, &terms,
		&s.DeviceProject, &s.Payer, &s.Door,
		&s.Relayed.UpBytes, &s.Relayed.UpPackets, &s.Relayed.DownBytes, &s.Relayed.DownPackets,
	}, others...)...)
	if err != nil {
		return s, err
	}
	s.Created, s.Expires, s.Answered, s.Ended = created.time(), expires.time(), answered.time(), ended.time()
	s.Rights = split[protocol.Right](rights)
	if path != "" {
		if err := json.Unmarshal([]byte(path), &s.Path); err != nil {
			return s, fmt.Errorf("read path of session %s: %w", s.ID, err)
		}
	}
	if s.Terms, err = readTerms(terms); err != nil {
		return s, fmt.Errorf("read session %s: %w", s.ID, err)
	}
	return s, nil
}

// scanLight is scanSession for lists, without the account.
func scanLight(row *sql.Rows) (record.Session, error) { return scanSession(row) }

// scanWhole reads the columns and the account.
func scanWhole(row *sql.Rows) (record.Session, error) {
	var account string
	s, err := scanSession(row, &account)
	if err != nil {
		return s, err
	}
	if err := readAccount(account, &s.Account); err != nil {
		return s, fmt.Errorf("read account of session %s: %w", s.ID, err)
	}
	return s, nil
}

// writeTerms is terms as a column keeps them: JSON, or nothing where all of them are left open.
func writeTerms(t record.Terms) (string, error) {
	if t == (record.Terms{}) {
		return "", nil
	}
	text, err := json.Marshal(t.Plain())
	return string(text), err
}

// readTerms is the reverse of writeTerms.
func readTerms(text string) (record.Terms, error) {
	if text == "" {
		return record.Terms{}, nil
	}
	var plain record.PlainTerms
	if err := json.Unmarshal([]byte(text), &plain); err != nil {
		return record.Terms{}, fmt.Errorf("read terms: %w", err)
	}
	return plain.Terms(), nil
}

// sessionParameters are as many as sessionFields, and one for the account.
const sessionParameters = `(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// sessionValues are what a session's row has for sessionFields, and its account's text.
func sessionValues(s record.Session, account string) ([]any, error) {
	var path []byte
	if s.Path != (protocol.Path{}) {
		var err error
		if path, err = json.Marshal(s.Path); err != nil {
			return nil, err
		}
	}
	terms, err := writeTerms(s.Terms)
	if err != nil {
		return nil, err
	}
	owner := s.Owner
	if owner == nil {
		owner = []byte{}
	}
	return []any{
		s.ID, s.Kind, s.Project, s.Device, s.Key, s.Viewer, join(s.Rights), owner,
		oneIf(s.Media.Video), oneIf(s.Media.Audio), oneIf(s.Media.Talk), s.ViewerGrant, s.DeviceGrant,
		stampOf(s.Created), stampOf(s.Expires), stampOf(s.Answered), stampOf(s.Ended), s.Reason, string(path), terms,
		s.DeviceProject, s.Payer, s.Door, account,
	}, nil
}

// oneIf is a truth as an INTEGER column keeps it.
func oneIf(truth bool) int {
	if truth {
		return 1
	}
	return 0
}
