package postgres

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestAServerServesAndLeavesNothingBehind(t *testing.T) {
	s := start(t)
	name, err := s.Create(t.Context(), "shop")
	if err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), filepath.Join(s.bin, "psql"), "-At", "-c", "SELECT current_database()", name).CombinedOutput()
	if got := strings.TrimSpace(string(out)); err != nil || got != "shop" {
		t.Errorf("got %q, %v", got, err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("its directory is still there: %v", err)
	}
}

func TestAServerGoesWithItsContextWhileItStarts(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	s, err := Start(ctx, false)
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err == nil { // it was faster
		err = s.Close()
		if err != nil {
			t.Error(err)
		}
	}
}

func start(t *testing.T) *Server {
	t.Helper()
	s, err := Start(t.Context(), false)
	if errors.Is(err, ErrMissing) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
