package reach

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

func TestKernelTellsOfChanges(t *testing.T) {
	if os.Geteuid() != 0 && os.Getenv("CI") == "" {
		t.Skip("a network of its own needs root")
	}
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread is of another network, and dies with its goroutine
		result <- changes()
	}()
	if err := <-result; err != nil {
		t.Fatal(err)
	}
}

// changes makes a change in a network of its own and waits until it is told.
func changes() error {
	if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
		return fmt.Errorf("leave the network: %w", err)
	}
	heard, stop, err := routeChanges()
	if err != nil {
		return err
	}
	defer stop()
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("raise loopback: %w: %s", err, out)
	}
	select {
	case <-heard:
		return nil
	case <-time.After(15 * time.Second):
		return errors.New("the kernel tells nothing")
	}
}
