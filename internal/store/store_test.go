package store

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// clock is a time that only a test moves.
type clock struct {
	// mu guards at.
	mu sync.Mutex
	at time.Time
}

func newClock() *clock { return &clock{at: time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)} }

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) pass(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

func open(t *testing.T, at place, c *clock) *Store {
	t.Helper()
	s, err := at.open(t.Context(), Config{Now: c.now})
	if err != nil {
		t.Fatalf("open %+v: %v", at, err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return s
}

func newStore(t *testing.T, at place) (*Store, *clock) {
	t.Helper()
	c := newClock()
	return open(t, at, c), c
}

func must[T any](value T, err error) func(*testing.T) T {
	return func(t *testing.T) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return value
	}
}

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	var got *protocol.Error
	if !errors.As(err, &got) || got.Code != want {
		t.Fatalf("got error %v, want code %s", err, want)
	}
}

func TestEmptyDirectoryGetsDefaultProjectAndKeys(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		if _, err := s.Project(t.Context(), protocol.DefaultProject); err != nil {
			t.Error(err)
		}
		keys := must(s.SigningKeys(t.Context()))(t)
		secrets := must(s.RelaySecrets(t.Context()))(t)
		if len(keys) != 1 || len(secrets) != 1 || len(secrets[0].Secret) != relaySecretBytes {
			t.Errorf("got %d signing keys and %d relay secrets", len(keys), len(secrets))
		}
	})
}

func TestSecretsSurviveReopening(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		first, second := open(t, at, c), open(t, at, c)
		if diff := cmp.Diff(must(first.SigningKeys(t.Context()))(t), must(second.SigningKeys(t.Context()))(t)); diff != "" {
			t.Errorf("signing keys differ:\n%s", diff)
		}
		if diff := cmp.Diff(must(first.RelaySecrets(t.Context()))(t), must(second.RelaySecrets(t.Context()))(t)); diff != "" {
			t.Errorf("relay secrets differ:\n%s", diff)
		}
	})
}

func TestRelaySecretsRotateAndOldOnesGo(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		c := newClock()
		s, beside := open(t, at, c), open(t, at, c)
		ids := func() (ids []string) {
			for _, secret := range must(s.RelaySecrets(t.Context()))(t) {
				if len(secret.Secret) != relaySecretBytes {
					t.Errorf("secret %s has %d bytes", secret.ID, len(secret.Secret))
				}
				ids = append(ids, secret.ID)
			}
			return ids
		}
		rotate := func() string { return must(beside.RotateRelaySecret(t.Context()))(t).ID }
		first := ids()[0]
		c.pass(time.Hour)
		second := rotate()
		c.pass(record.RelaySecretOverlap - time.Second)
		third := rotate()
		if diff := cmp.Diff([]string{third, second, first}, ids()); diff != "" {
			t.Errorf("within the overlap (-want +got):\n%s", diff)
		}
		c.pass(time.Second)
		fourth := rotate()
		if diff := cmp.Diff([]string{fourth, third, second}, ids()); diff != "" {
			t.Errorf("after the overlap (-want +got):\n%s", diff)
		}
	})
}

func TestFilesAreForTheirOwnerOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "deep", "data # 100%?")
	s := open(t, place{dir: dir}, newClock())
	if _, err := s.CreateProject(t.Context(), "acme", ""); err != nil {
		t.Fatal(err)
	}
	if got := must(os.Stat(dir))(t).Mode().Perm(); got != 0o700 {
		t.Errorf("directory: got mode %o, want 700", got)
	}
	files := must(os.ReadDir(dir))(t)
	if len(files) < 2 {
		t.Fatalf("got %d files in %s, want the database and the lock at least", len(files), dir)
	}
	for _, file := range files {
		if got := must(file.Info())(t).Mode().Perm(); got != 0o600 {
			t.Errorf("%s: got mode %o, want 600", file.Name(), got)
		}
	}
}

func TestDirectoryThatCannotBeWrittenIsOneClearError(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := Open(t.Context(), file, Config{})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write to data directory "+file) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got %v, want one line that names the directory", err)
	}
	// Nothing can be made below /proc, whoever asks: the same as a read-only file system.
	_, err = Open(t.Context(), "/proc/sightline", Config{})
	if err == nil || !strings.HasPrefix(err.Error(), "cannot write to data directory /proc/sightline: ") {
		t.Errorf("got %v, want an error that names the directory", err)
	}
}

func TestOpenWaitsForTheLockAndGivesUpWithItsContext(t *testing.T) {
	dir := t.TempDir()
	f := must(os.OpenFile(filepath.Join(dir, lockFile), os.O_CREATE|os.O_RDWR, 0o600))(t)
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 5*lockPoll)
	defer cancel()
	if _, err := Open(ctx, dir, Config{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want the context's error", err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, place{dir: dir}, newClock())
}

func TestNewerSchemaIsRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s := open(t, at, newClock())
		if _, err := s.change(t.Context(), `INSERT INTO goose_db_version (version_id, is_applied) VALUES (9999, ?)`, true); err != nil {
			t.Fatal(err)
		}
		_, err := at.open(t.Context(), Config{})
		if err == nil || !strings.Contains(err.Error(), "newer Sightline") {
			t.Errorf("got %v, want a refusal of the newer schema", err)
		}
	})
}

func TestProjectsAreMadeOnce(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		made := must(s.CreateProject(t.Context(), "acme", "Acme Cameras"))(t)
		if diff := cmp.Diff(made, must(s.Project(t.Context(), "acme"))(t)); diff != "" {
			t.Errorf("project differs:\n%s", diff)
		}
		_, err := s.CreateProject(t.Context(), "acme", "")
		wantCode(t, err, protocol.CodeConflict)
		_, err = s.CreateProject(t.Context(), "No Slug", "")
		wantCode(t, err, protocol.CodeInvalid)
		_, err = s.Project(t.Context(), "nobody")
		wantCode(t, err, protocol.CodeNotFound)
		if got := must(s.Projects(t.Context()))(t); len(got) != 2 {
			t.Errorf("got %d projects, want default and acme", len(got))
		}
	})
}

func TestPruneKeepsThirtyDays(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		sessions := s.Sessions()
		ended, open, orphan := newSession(t, c, "cam"), newSession(t, c, "cam"), newSession(t, c, "cam")
		ended.Ended, ended.Reason = c.now(), protocol.ReasonViewerLeft
		open.Expires = c.now().Add(2 * SessionLife) // as if its viewer asked for a longer lease every hour
		for _, session := range []record.Session{ended, open} {
			if err := sessions.Save(t.Context(), session); err != nil {
				t.Fatal(err)
			}
		}
		usage := []record.Usage{
			newUsage("a", ended.ViewerGrant, 10, c.now()), newUsage("b", open.ViewerGrant, 10, c.now()), newUsage("c", orphan.ViewerGrant, 10, c.now()),
		}
		if err := s.Record(t.Context(), usage); err != nil {
			t.Fatal(err)
		}
		must(s.CreateTestGrants(t.Context(), protocol.DefaultProject, 2, time.Hour))(t)

		c.pass(SessionLife)
		if got := must(s.Prune(t.Context()))(t); got != 0 {
			t.Errorf("on the thirtieth day: got %d sessions deleted, want none", got)
		}
		testSessions, _, err := sessions.List(t.Context(), protocol.DefaultProject, record.SessionFilter{State: protocol.SessionEnded}, "", 0)
		if err != nil || len(testSessions) != 3 || testSessions[0].Reason != protocol.ReasonExpired {
			t.Errorf("got %+v, %v; want the test sessions ended as expired", testSessions, err)
		}
		c.pass(2 * time.Hour)
		if got := must(s.Prune(t.Context()))(t); got != 3 {
			t.Errorf("later: got %d sessions deleted, want 3", got)
		}
		left := must(all(t.Context(), s.reader, scanText, `SELECT allocation FROM relay_usage`))(t)
		if diff := cmp.Diff([]string{"b"}, left); diff != "" {
			t.Errorf("usage left differs:\n%s", diff)
		}
		if _, err := sessions.Get(t.Context(), protocol.DefaultProject, open.ID); err != nil {
			t.Errorf("the open session is gone: %v", err)
		}
	})
}

func TestRunEndsWithItsContext(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if err := s.Run(ctx); err != nil {
			t.Errorf("got %v, want nil", err)
		}
	})
}
