package store

import (
	"context"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// MaxKeyOverlap is how long the old key of a rotation can live beside the new one.
const MaxKeyOverlap = 30 * 24 * time.Hour

// RotateKey makes a successor of an API key in the project of the one that asks for it, with the old key's name, scopes and
// expiry; the old key lives for the overlap, and not beyond its own end. The second result is the new key itself, which nobody
// can ask for again. It fails with CodeNotFound, with CodeForbidden for a key that may more than the one that asks, and with
// CodeConflict for one that has ended or has a successor, or whose own predecessor is still alive: no more than two live at
// once.
func (s *Store) RotateKey(
	ctx context.Context, by record.Key, id protocol.KeyID, overlap time.Duration,
) (record.Key, auth.Secret, error) {
	in := by.Project
	if overlap < 0 || overlap > MaxKeyOverlap {
		return record.Key{}, auth.Secret{}, protocol.Errorf(protocol.CodeInvalid,
			"two keys overlap for at most %d days", MaxKeyOverlap/(24*time.Hour))
	}
	var fresh record.Key
	var plain auth.Secret
	err := s.write(ctx, func(tx *tx) error {
		now := s.now()
		old, ok, err := one(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE id = ? AND project = ?`, id, in)
		if err == nil && !ok {
			err = noKey()
		}
		if err != nil {
			return err
		}
		before, err := all(ctx, tx, scanKey, `SELECT `+keyColumns+` FROM api_keys WHERE project = ? AND successor = ?`, in, id)
		if err != nil {
			return err
		}
		if !by.MayMake(old) {
			return protocol.Errorf(protocol.CodeForbidden, "a key cannot rotate one that may more than itself")
		}
		claim := record.ClaimOf(ctx)
		fresh, plain = mintKey(old, now, claim.Random("key"))
		if made, found, err := keyOfClaim(ctx, tx, claim, fresh); err != nil || found {
			fresh = made
			return err
		}
		if err := mayRotate(old, before, now); err != nil {
			return err
		}
		if err := insertKey(ctx, tx, fresh); err != nil {
			return err
		}
		end := now.Add(overlap)
		if !old.Expires.IsZero() && old.Expires.Before(end) {
			end = old.Expires
		}
		_, err = tx.ExecContext(ctx, `UPDATE api_keys SET expires_ms = ?, successor = ? WHERE id = ?`, stampOf(end), fresh.ID, id)
		return err
	})
	if err != nil {
		return record.Key{}, auth.Secret{}, about(err, "rotate key %s", id)
	}
	return fresh, plain, nil
}

// mayRotate decides by the rules that RotateKey tells.
func mayRotate(old record.Key, before []record.Key, now time.Time) error {
	switch {
	case old.Successor != "":
		return protocol.Errorf(protocol.CodeConflict, "the key was rotated already: its successor is %s", old.Successor)
	case old.Ended(now):
		return protocol.Errorf(protocol.CodeConflict, "the key has ended")
	}
	for _, k := range before {
		if !k.Ended(now) {
			return protocol.Errorf(protocol.CodeConflict, "the key that this one replaces is still alive: %s", k.ID)
		}
	}
	return nil
}

func noKey() error { return notFound("there is no such API key") }

// keyUses is when keys were used last, as far as this process has noted it. The zero value is empty.
type keyUses struct {
	mu   sync.Mutex // guards noted
	used map[protocol.KeyID]time.Time
}

// due reports whether the use has to be written, once for each interval.
func (u *keyUses) due(k record.Key, now time.Time) bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	last := u.used[k.ID]
	if k.Used.After(last) {
		last = k.Used
	}
	if now.Sub(last) < record.KeyUseInterval {
		return false
	}
	if u.used == nil {
		u.used = map[protocol.KeyID]time.Time{}
	}
	u.used[k.ID] = now
	return true
}

// noteUse keeps when a key was used last, to record.KeyUseInterval. It fails nobody's request.
func (s *Store) noteUse(ctx context.Context, k record.Key) {
	now := s.now()
	if !s.uses.due(k, now) {
		return
	}
	_, err := s.change(ctx, `UPDATE api_keys SET used_ms = ? WHERE id = ? AND used_ms < ?`, stampOf(now), k.ID, stampOf(now))
	if err != nil && ctx.Err() == nil {
		s.log.Warn("cannot note the use of a key", "err", err)
	}
}
