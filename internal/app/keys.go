package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// CreateKey makes an API key and prints it.
func CreateKey(ctx context.Context, c config.KeyCreate, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		asked := record.Key{Project: protocol.ProjectID(c.Project), Name: c.Name, Scopes: c.Scopes()}
		if c.TTL > 0 {
			asked.Expires = time.Now().Add(c.TTL)
		}
		key, secret, err := s.CreateKey(ctx, asked)
		if err != nil {
			return err
		}
		return show(out, c.JSON, map[string]string{"key": secret.Reveal(), "project": string(key.Project)}, secret.Reveal())
	})
}

// keyLine is what the commands print of a key.
type keyLine struct {
	ID       protocol.KeyID     `json:"id"`
	Project  protocol.ProjectID `json:"project"`
	Name     string             `json:"name"`
	Scopes   []record.Scope     `json:"scopes,omitempty"`
	Created  time.Time          `json:"created"`
	Expires  time.Time          `json:"expires,omitzero"`
	LastUsed time.Time          `json:"last_used,omitzero"`
	Revoked  time.Time          `json:"revoked,omitzero"`
}

// ListKeys prints a project's API keys, one a line.
func ListKeys(ctx context.Context, c config.KeyList, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		for cursor := ""; ; {
			keys, next, err := s.Keys(ctx, protocol.ProjectID(c.Project), cursor, 0)
			if err != nil {
				return err
			}
			for _, k := range keys {
				line := keyLine{k.ID, k.Project, k.Name, k.Scopes, k.Created, k.Expires, k.Used, k.Revoked}
				if err := show(out, c.JSON, line, line.plain(time.Now())); err != nil {
					return err
				}
			}
			if cursor = next; cursor == "" {
				return nil
			}
		}
	})
}

func (l keyLine) plain(now time.Time) string {
	text := fmt.Sprintf("%s: %s", l.ID, l.Name)
	if len(l.Scopes) > 0 {
		text += ", for"
		for _, s := range l.Scopes {
			text += " " + string(s)
		}
	}
	switch {
	case l.LastUsed.IsZero():
		text += ", never used"
	default:
		text += ", last used " + l.LastUsed.Format(time.RFC3339)
	}
	switch {
	case !l.Revoked.IsZero():
		text += ", revoked " + l.Revoked.Format(time.RFC3339)
	case l.Expires.IsZero():
	case now.Before(l.Expires):
		text += ", good until " + l.Expires.Format(time.RFC3339)
	default:
		text += ", expired " + l.Expires.Format(time.RFC3339)
	}
	return text
}

// RevokeKey revokes an API key. A server that runs on the same records finds that out by itself.
func RevokeKey(ctx context.Context, c config.KeyRevoke, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		return s.RevokeKey(ctx, protocol.ProjectID(c.Project), protocol.KeyID(c.Key))
	})
}
