package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// EnrolmentLife is how long an enrolment code is good unless its maker says otherwise, maxEnrolmentLife at most.
const (
	EnrolmentLife    = 24 * time.Hour
	maxEnrolmentLife = 30 * 24 * time.Hour
)

// maxBatchDevices bounds the devices of one code: more than a line makes while a code is good.
const maxBatchDevices = 100_000

// maxModels bounds the models that a code is for.
const maxModels = 32

const enrolmentColumns = `id, project, name, hash, created_ms, expires_ms, device_count, made, models, device, used_ms`

func scanEnrolment(row *sql.Rows) (record.Enrolment, error) {
	var e record.Enrolment
	var models string
	var created, expires, used stamp
	err := row.Scan(&e.ID, &e.Project, &e.Name, &e.Hash, &created, &expires, &e.Count, &e.Made, &models, &e.Device, &used)
	if models != "" {
		e.Models = strings.Split(models, "\n")
	}
	e.Created, e.Expires, e.Used = created.time(), expires.time(), used.time()
	return e, err
}

// CreateEnrolment makes a code with which devices can join, with the project, the name, the count and the models of what is
// asked for; a count of 0 is 1, a life of 0 means EnrolmentLife. The second result is the code itself, which nobody can ask
// for again.
func (s *Store) CreateEnrolment(ctx context.Context, asked record.Enrolment, life time.Duration) (record.Enrolment, auth.Secret, error) {
	if life == 0 {
		life = EnrolmentLife
	}
	asked.Count = max(asked.Count, 1)
	if err := checkEnrolment(asked, life); err != nil {
		return record.Enrolment{}, auth.Secret{}, err
	}
	claim, now := record.ClaimOf(ctx), s.now()
	code := auth.MintCodeFrom(claim.Random("code"))
	e := record.Enrolment{
		ID: newIDFrom(claim.Random("enrolment")), Project: asked.Project, Name: asked.Name, Hash: auth.Hash(code.Reveal()), Count: asked.Count, Models: asked.Models,
		Created: now, Expires: now.Add(life).Truncate(time.Millisecond),
	}
	err := s.write(ctx, func(tx *tx) error {
		if claim.WasWritten() {
			made, found, err := one(ctx, tx, scanEnrolment, `SELECT `+enrolmentColumns+` FROM enrolments WHERE id = ? AND hash = ?`, e.ID, e.Hash)
			if err != nil || found {
				e = made
				return err
			}
		}
		if _, err := project(ctx, tx, e.Project); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO enrolments (`+enrolmentColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, 0, ?, '', 0)`,
			e.ID, e.Project, e.Name, e.Hash, stampOf(e.Created), stampOf(e.Expires), e.Count, strings.Join(e.Models, "\n"))
		return err
	})
	if err != nil {
		return record.Enrolment{}, auth.Secret{}, about(err, "create enrolment")
	}
	return e, code, nil
}

func checkEnrolment(asked record.Enrolment, life time.Duration) error {
	switch {
	case life < 0 || life > maxEnrolmentLife:
		return protocol.Errorf(protocol.CodeInvalid, "an enrolment code is good for at most %d days", maxEnrolmentLife/(24*time.Hour))
	case asked.Count > maxBatchDevices:
		return protocol.Errorf(protocol.CodeInvalid, "an enrolment code is for at most %d devices", maxBatchDevices)
	case len(asked.Models) > maxModels:
		return protocol.Errorf(protocol.CodeInvalid, "an enrolment code is for at most %d models", maxModels)
	}
	for _, model := range asked.Models {
		if model == "" {
			return protocol.Errorf(protocol.CodeInvalid, "a model has a name")
		}
		if err := checkName("a model", model); err != nil { // which is on one line
			return err
		}
	}
	return checkName("the device's name", asked.Name)
}

// Enrolments returns a page of a project's enrolments, used and expired ones too, the newest first, and the cursor to
// the next page, empty at the end.
func (s *Store) Enrolments(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.Enrolment, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanEnrolment, `SELECT `+enrolmentColumns+` FROM enrolments
		WHERE project = ? AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list enrolments")
	}
	list, next := cut(list, size, func(e record.Enrolment) (time.Time, string) { return e.Created, e.ID })
	return list, next, nil
}

// DeleteEnrolment makes a code useless. The device that has used it stays. It fails with CodeNotFound.
func (s *Store) DeleteEnrolment(ctx context.Context, in protocol.ProjectID, id string) error {
	found, err := s.change(ctx, `DELETE FROM enrolments WHERE id = ? AND project = ?`, id, in)
	if err == nil && !found {
		err = noEnrolment()
	}
	return about(err, "delete enrolment %s", id)
}

// Enrolment returns an enrolment of a project; it fails with CodeNotFound.
func (s *Store) Enrolment(ctx context.Context, in protocol.ProjectID, id string) (record.Enrolment, error) {
	e, ok, err := one(ctx, s.reader, scanEnrolment, `SELECT `+enrolmentColumns+` FROM enrolments WHERE id = ? AND project = ?`, id, in)
	if err == nil && !ok {
		err = noEnrolment()
	}
	return e, about(err, "read enrolment %s", id)
}

func noEnrolment() error { return notFound("there is no such enrolment") }
