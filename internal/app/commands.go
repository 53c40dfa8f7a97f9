package app

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/turn"
)

// maxTestCredentials bounds one call of turn credentials.
const maxTestCredentials = 10_000

// testSessionLife is how long a session of a measuring tool lives.
const testSessionLife = time.Hour

// commandLineKey stands in tokens where those made for an API key name it.
const commandLineKey protocol.KeyID = "command-line"

// openStore opens the records where the settings say they are.
func openStore(ctx context.Context, at config.Data, c store.Config) (*store.Store, error) {
	c.Database = at.Database
	return store.Open(ctx, at.Data, c)
}

// withStore runs a command on the records. What it prints is on the disk.
func withStore(ctx context.Context, at config.Data, logger *slog.Logger, do func(*store.Store) error) (err error) {
	s, err := openStore(ctx, at, store.Config{Durable: true, Logger: logger})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	return do(s)
}

// show writes a command's result: one line of JSON, or the plain value.
func show(w io.Writer, asJSON bool, value any, plain string) error {
	if !asJSON {
		_, err := fmt.Fprintln(w, plain)
		return err
	}
	return json.NewEncoder(w).Encode(value)
}

// CreateEnrolment makes an enrolment code and prints it.
func CreateEnrolment(ctx context.Context, c config.EnrollCreate, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		_, code, err := s.CreateEnrolment(ctx, record.Enrolment{Project: protocol.ProjectID(c.Project), Name: c.Name}, 0)
		if err != nil {
			return err
		}
		return show(out, c.JSON, map[string]string{"code": code.Reveal()}, code.Reveal())
	})
}

// CreateToken makes a viewer token and prints it.
func CreateToken(ctx context.Context, c config.TokenCreate, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		device, err := s.Device(ctx, protocol.DeviceID(c.Device))
		if err != nil {
			return err
		}
		if !device.Revoked.IsZero() {
			return protocol.Errorf(protocol.CodeRevoked, "the device was removed from its project")
		}
		keys, err := s.SigningKeys(ctx)
		if err != nil {
			return err
		}
		now := time.Now()
		viewer := auth.Viewer{
			Project: device.Project, Subject: c.Subject, Key: commandLineKey, Device: device.ID, Expires: now.Add(c.TTL),
			Terms: c.Terms(),
		}
		for _, grant := range c.Grants {
			viewer.Rights = append(viewer.Rights, protocol.Right(grant))
		}
		token, err := auth.NewKeyring(keys).Mint(viewer, now)
		if err != nil {
			return err
		}
		return show(out, c.JSON, map[string]string{"token": token}, token)
	})
}

// CreateTurnCredentials makes relay credentials for measuring tools and prints them, one a line.
func CreateTurnCredentials(ctx context.Context, c config.TurnCredentials, out io.Writer, logger *slog.Logger) error {
	if c.Count < 1 || c.Count > maxTestCredentials {
		return fmt.Errorf("--count is 1 to %d", maxTestCredentials)
	}
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		secrets, err := s.RelaySecrets(ctx)
		if err != nil {
			return err
		}
		keyring, err := turn.NewKeyring(secrets)
		if err != nil {
			return err
		}
		expires := time.Now().Add(testSessionLife)
		grants, err := s.CreateTestGrants(ctx, protocol.ProjectID(c.Project), c.Count, testSessionLife)
		if err != nil {
			return err
		}
		for _, grant := range grants {
			credentials := keyring.Mint(grant, protocol.RoleViewer, expires)
			value := map[string]string{
				"username": credentials.Username, "password": credentials.Password, "realm": turn.DefaultRealm,
			}
			if err := show(out, c.JSON, value, credentials.Username+" "+credentials.Password); err != nil {
				return err
			}
		}
		return nil
	})
}

// RotateTurnSecret makes a new secret of relay credentials and prints its ID.
func RotateTurnSecret(ctx context.Context, c config.TurnRotate, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		secret, err := s.RotateRelaySecret(ctx)
		if err != nil {
			return err
		}
		return show(out, c.JSON, map[string]string{"key": secret.ID}, secret.ID)
	})
}
