package store

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"database/sql"
	"encoding/json"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// MaxWebhooks bounds the webhooks of a project: each is served by itself.
	MaxWebhooks = 100

	// webhookSecretBytes is within the 24 to 64 bytes of Standard Webhooks, and as many as HMAC-SHA256 gives.
	webhookSecretBytes = 32
)

const webhookColumns = `id, project, url, name, kinds, state, since_ms, secret, old_secret, old_until_ms, seed, version, created_ms,
	served, open, failing_ms, missed`

func scanWebhook(row *sql.Rows) (record.Webhook, error) {
	var w record.Webhook
	var since, until, created, failing stamp
	var kinds, open string
	var seed []byte
	err := row.Scan(&w.ID, &w.Project, &w.URL, &w.Name, &kinds, &w.State, &since, &w.Secret, &w.OldSecret, &until, &seed,
		&w.Version, &created, &w.Cursor, &open, &failing, &w.Missed)
	if err != nil {
		return w, err
	}
	if len(seed) != ed25519.SeedSize {
		return w, fmt.Errorf("the key of webhook %s is damaged", w.ID)
	}
	w.Since, w.OldUntil, w.Created, w.Failing = since.time(), until.time(), created.time(), failing.time()
	w.Private = ed25519.NewKeyFromSeed(seed)
	if err := json.Unmarshal([]byte(kinds), &w.Kinds); err != nil {
		return w, fmt.Errorf("read the kinds of webhook %s: %w", w.ID, err)
	}
	if err := json.Unmarshal([]byte(open), &w.Open); err != nil {
		return w, fmt.Errorf("read the place of webhook %s: %w", w.ID, err)
	}
	return w, nil
}

// CreateWebhook makes an endpoint that is sent the events of a project from now on: of the given kinds, or of all if there
// are none. It does not judge the URL. It fails with CodeQuota when the project has MaxWebhooks.
func (s *Store) CreateWebhook(ctx context.Context, in protocol.ProjectID, url, name string, kinds []record.EventKind) (record.Webhook, error) {
	if err := checkName("the webhook's name", name); err != nil {
		return record.Webhook{}, err
	}
	seed := make([]byte, ed25519.SeedSize)
	_, _ = rand.Read(seed)
	w := record.Webhook{
		ID: newID(), Project: in, URL: url, Name: name, Kinds: kinds, State: record.WebhookOn, Since: s.now(),
		Secret: newWebhookSecret(), Private: ed25519.NewKeyFromSeed(seed), Version: 1, Created: s.now(),
	}
	err := s.write(ctx, func(tx *tx) error {
		if _, err := project(ctx, tx, in); err != nil {
			return err
		}
		count, _, err := one(ctx, tx, scanNumber, `SELECT count(*) FROM webhooks WHERE project = ?`, in)
		if err != nil {
			return err
		}
		if count >= MaxWebhooks {
			return protocol.Errorf(protocol.CodeQuota, "a project has at most %d webhooks", MaxWebhooks)
		}
		if w.Cursor, _, err = one(ctx, tx, scanNumber, `SELECT events FROM projects WHERE id = ?`, in); err != nil {
			return err
		}
		return insertWebhook(ctx, tx, w, seed)
	})
	if err != nil {
		return record.Webhook{}, about(err, "create webhook")
	}
	return w, nil
}

func newWebhookSecret() []byte {
	secret := make([]byte, webhookSecretBytes)
	_, _ = rand.Read(secret)
	return secret
}

func insertWebhook(ctx context.Context, tx *tx, w record.Webhook, seed []byte) error {
	kinds, err := json.Marshal(w.Kinds)
	if err != nil {
		return err
	}
	_, err = tx.ExecContext(ctx, `INSERT INTO webhooks (`+webhookColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, '[]', 0, 0)`,
		w.ID, w.Project, w.URL, w.Name, string(kinds), w.State, stampOf(w.Since), w.Secret, w.OldSecret, stampOf(w.OldUntil), seed,
		w.Version, stampOf(w.Created), w.Cursor)
	return err
}

func scanNumber(row *sql.Rows) (n uint64, err error) {
	err = row.Scan(&n)
	return n, err
}

// Webhooks returns a page of a project's webhooks, the newest first, and the cursor to the next page, empty at the end.
func (s *Store) Webhooks(ctx context.Context, in protocol.ProjectID, cursor string, limit int) ([]record.Webhook, string, error) {
	after, err := parseCursor(cursor)
	if err != nil {
		return nil, "", err
	}
	size := pageSize(limit)
	list, err := all(ctx, s.reader, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks
		WHERE project = ? AND (created_ms, id) < (?, ?) ORDER BY created_ms DESC, id DESC LIMIT ?`,
		in, after.created, after.id, size)
	if err != nil {
		return nil, "", about(err, "list webhooks")
	}
	list, next := cut(list, size, func(w record.Webhook) (time.Time, string) { return w.Created, w.ID })
	return list, next, nil
}

// AllWebhooks returns the webhooks of all projects.
func (s *Store) AllWebhooks(ctx context.Context) ([]record.Webhook, error) {
	list, err := all(ctx, s.reader, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks ORDER BY id`)
	return list, about(err, "list webhooks")
}

// Webhook returns a webhook of a project. It fails with CodeNotFound.
func (s *Store) Webhook(ctx context.Context, in protocol.ProjectID, id string) (record.Webhook, error) {
	w, err := webhook(ctx, s.reader, in, id)
	return w, about(err, "read webhook %s", id)
}

func webhook(ctx context.Context, db queryer, in protocol.ProjectID, id string) (record.Webhook, error) {
	w, ok, err := one(ctx, db, scanWebhook, `SELECT `+webhookColumns+` FROM webhooks WHERE id = ? AND project = ?`, id, in)
	if err == nil && !ok {
		err = noWebhook()
	}
	return w, err
}

// ChangeWebhook changes a webhook of a project by what change makes of it, and returns what it is then. It fails with
// CodeNotFound, and as change does, which may be called again.
func (s *Store) ChangeWebhook(ctx context.Context, in protocol.ProjectID, id string, change func(*record.Webhook) error) (record.Webhook, error) {
	w, err := s.alterWebhook(ctx, in, id, func(w *record.Webhook) error {
		state := w.State
		if err := change(w); err != nil {
			return err
		}
		if w.State != state {
			w.Since = s.now()
		}
		return checkName("the webhook's name", w.Name)
	})
	return w, about(err, "change webhook %s", id)
}

// RotateWebhookSecret gives a webhook a new secret. Deliveries are signed with the old one too for
// record.WebhookSecretOverlap. It fails with CodeNotFound.
func (s *Store) RotateWebhookSecret(ctx context.Context, in protocol.ProjectID, id string) (record.Webhook, error) {
	w, err := s.alterWebhook(ctx, in, id, func(w *record.Webhook) error {
		w.OldSecret, w.OldUntil = w.Secret, s.now().Add(record.WebhookSecretOverlap)
		w.Secret = newWebhookSecret()
		return nil
	})
	return w, about(err, "rotate the secret of webhook %s", id)
}

// alterWebhook changes what a project says of a webhook.
func (s *Store) alterWebhook(ctx context.Context, in protocol.ProjectID, id string, alter func(*record.Webhook) error) (w record.Webhook, err error) {
	err = s.write(ctx, func(tx *tx) error {
		if w, err = webhook(ctx, tx, in, id); err != nil {
			return err
		}
		if err := alter(&w); err != nil {
			return err
		}
		w.Version++
		kinds, err := json.Marshal(w.Kinds)
		if err != nil {
			return err
		}
		_, err = tx.ExecContext(ctx, `UPDATE webhooks SET url = ?, name = ?, kinds = ?, state = ?, since_ms = ?, secret = ?,
			old_secret = ?, old_until_ms = ?, version = ? WHERE id = ?`, w.URL, w.Name, string(kinds), w.State, stampOf(w.Since), w.Secret,
			w.OldSecret, stampOf(w.OldUntil), w.Version, w.ID)
		return err
	})
	return w, err
}

// DeleteWebhook deletes a webhook of a project with all that waits for it. It fails with CodeNotFound.
func (s *Store) DeleteWebhook(ctx context.Context, in protocol.ProjectID, id string) error {
	found, err := s.change(ctx, `DELETE FROM webhooks WHERE id = ? AND project = ?`, id, in)
	if err == nil && !found {
		err = noWebhook()
	}
	return about(err, "delete webhook %s", id)
}

// LastEvent returns the number of a project's newest event, 0 before the first.
func (s *Store) LastEvent(ctx context.Context, in protocol.ProjectID) (uint64, error) {
	n, _, err := one(ctx, s.reader, scanNumber, `SELECT events FROM projects WHERE id = ?`, in)
	return n, about(err, "count events of project %s", in)
}

func noWebhook() error { return notFound("there is no such webhook") }
