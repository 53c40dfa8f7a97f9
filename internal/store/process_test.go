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

// With one of these, this test binary is a second process on a data directory or a database.
const (
	childDir      = "SIGHTLINE_STORE_CHILD"
	childDatabase = "SIGHTLINE_STORE_CHILD_DATABASE"
)

func TestMain(m *testing.M) {
	at := place{dir: os.Getenv(childDir), database: os.Getenv(childDatabase)}
	if at != (place{}) {
		do := child
		if name := os.Getenv(childWork); name != "" {
			do = func(ctx context.Context, at place) error { return childAtWork(ctx, at, name) }
		}
		if err := do(context.Background(), at); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	code := m.Run()
	closeServer()
	os.Exit(code)
}

// child opens the store, makes a key and prints it.
func child(ctx context.Context, at place) error {
	s, err := at.open(ctx, Config{})
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

func runChild(t *testing.T, at place) string {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	command := exec.CommandContext(ctx, os.Args[0], "-test.run=^$")
	command.Env = append(os.Environ(), childDir+"="+at.dir, childDatabase+"="+at.database)
	command.Stderr = os.Stderr
	out, err := command.Output()
	if err != nil {
		t.Errorf("second process: %v", err)
	}
	return strings.TrimSpace(string(out))
}

func TestProcessesThatStartTogetherShareOneStore(t *testing.T) {
	for name, at := range map[string]place{"sqlite": inDirectory(t), "postgres": newDatabase(t, "")} {
		t.Run(name, func(t *testing.T) { startTogether(t, at) })
	}
}

func startTogether(t *testing.T, at place) {
	keys := make([]string, 3)
	var group sync.WaitGroup
	for i := range keys {
		group.Go(func() { keys[i] = runChild(t, at) })
	}
	s := open(t, at, newClock())
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
	eachStore(t, func(t *testing.T, at place) {
		s := open(t, at, newClock())
		for range 2 {
			if _, err := s.Authenticate(t.Context(), runChild(t, at)); err != nil {
				t.Errorf("key of another process: %v", err)
			}
		}
	})
}
