package store

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// childDir makes this test binary a second process on a data directory.
const childDir = "SIGHTLINE_STORE_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(context.Background(), dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// child opens the directory, makes a key and prints it.
func child(ctx context.Context, dir string) error {
	s, err := Open(ctx, dir, Config{})
	if err != nil {
		return err
	}
	_, plain, err := s.CreateKey(ctx, record.Key{Project: protocol.DefaultProject, Name: "child"})
	if err != nil {
		return err
	}
	fmt.Println(plain.Reveal())
	return s.Close()
}

func runChild(t *testing.T, dir string) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childDir+"="+dir)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Errorf("second process: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestProcessesThatStartTogetherShareOneStore(t *testing.T) {
	dir := t.TempDir()
	keys := make([]string, 3)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() { keys[i] = runChild(t, dir) })
	}
	s := open(t, dir, newClock())
	group.Wait()
	if got := must(s.SigningKeys(t.Context()))(t); len(got) != 1 {
		t.Errorf("got %d signing keys, want 1", len(got))
	}
	for _, key := range keys {
		if _, err := s.Authenticate(t.Context(), key); err != nil {
			t.Errorf("key of another process: %v", err)
		}
	}
}

func TestWhatAnotherProcessWritesIsSeenAtOnce(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, newClock())
	for range 2 {
		if _, err := s.Authenticate(t.Context(), runChild(t, dir)); err != nil {
			t.Errorf("key of another process: %v", err)
		}
	}
}
