//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"
)

// sweep kills what runs in the namespaces and removes them. Only a lab's own processes are ever in them.
const sweep = `
for ns do
  [ -e "/run/netns/$ns" ] || continue
  for pid in $(ip netns pids "$ns"); do kill -9 "$pid" 2>/dev/null; done
  ip netns del "$ns" || failed=1
done
exit ${failed:-0}
`

// janitor is a process that waits for its builder to say so, or to die, and then sweeps a lab. It survives a killed
// test and a Ctrl-C, since it stands in a process group of its own.
type janitor struct {
	cmd  *exec.Cmd
	door io.Closer
}

func startJanitor(ctx context.Context, namespaces []string) (*janitor, error) {
	// The janitor outlives its builder's context: its life ends with the pipe.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", append([]string{"-c", "cat >/dev/null" + sweep, "janitor"}, namespaces...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	door, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	return &janitor{cmd: cmd, door: door}, cmd.Start()
}

func (j *janitor) sweep() error {
	if err := j.door.Close(); err != nil {
		return err
	}
	if err := j.cmd.Wait(); err != nil {
		return fmt.Errorf("remove the lab's namespaces: %w", err)
	}
	return nil
}

// clean sweeps namespaces at once.
func clean(ctx context.Context, namespaces []string) error {
	return run(exec.CommandContext(ctx, "sh", append([]string{"-c", sweep, "cleaner"}, namespaces...)...))
}

// Reap removes labs whose builder and janitor have both died.
func Reap(ctx context.Context) error {
	entries, err := os.ReadDir(namespaces)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	var stale []string
	for _, e := range entries {
		if pid, ok := builder(e.Name()); ok && !alive(pid) {
			stale = append(stale, e.Name())
		}
	}
	return clean(ctx, stale)
}

// builder returns the process that built a namespace, if it is one of a lab.
func builder(namespace string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(namespace, prefix)
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return pid, err == nil
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
