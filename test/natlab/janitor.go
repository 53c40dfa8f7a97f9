//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// sweep kills what runs in the namespaces and removes them, and a folder before them. Only a lab's own processes and files are
// ever in them.
const sweep = `
folder=$1
shift
for ns do
  [ -e "/run/netns/$ns" ] || continue
  for pid in $(ip netns pids "$ns"); do kill -9 "$pid" 2>/dev/null; done
  ip netns del "$ns" || [ ! -e "/run/netns/$ns" ] || failed=1 # a reaper and a janitor may meet
done
[ -z "$folder" ] || rm -rf "$folder" || failed=1
exit ${failed:-0}
`

// janitor is a process that waits for its builder to say so, or to die, and then sweeps a lab. It survives a killed
// test and a Ctrl-C, since it stands in a process group of its own.
type janitor struct {
	cmd  *exec.Cmd
	door io.Closer
}

// startJanitor starts the janitor of namespaces and of a folder, which may be "".
func startJanitor(ctx context.Context, folder string, namespaces []string) (*janitor, error) {
	// The janitor outlives its builder's context: its life ends with the pipe.
	cmd := exec.CommandContext(context.WithoutCancel(ctx), "sh", append([]string{"-c", "cat >/dev/null" + sweep, "janitor", folder}, namespaces...)...)
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
	return run(exec.CommandContext(ctx, "sh", append([]string{"-c", sweep, "cleaner", ""}, namespaces...)...))
}

// Reap removes labs whose builder and janitor have both died.
func Reap(ctx context.Context) error {
	stale, err := orphans(namespaces)
	if err != nil {
		return err
	}
	folders, err := orphans(os.TempDir())
	if err != nil {
		return err
	}
	errs := []error{clean(ctx, stale)}
	for _, name := range folders {
		errs = append(errs, os.RemoveAll(filepath.Join(os.TempDir(), name)))
	}
	return errors.Join(errs...)
}

// orphans returns what lies in a folder and belongs to labs of dead processes.
func orphans(folder string) ([]string, error) {
	entries, err := os.ReadDir(folder)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	var names []string
	for _, e := range entries {
		if pid, ok := builder(e.Name()); ok && !alive(pid) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// builder returns the process that a namespace or folder is of, if it is one of a lab.
func builder(name string) (pid int, ok bool) {
	rest, ok := strings.CutPrefix(name, prefix)
	if !ok {
		return 0, false
	}
	number, _, _ := strings.Cut(rest, "-")
	pid, err := strconv.Atoi(number)
	return pid, err == nil
}

func alive(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }
