//go:build linux

package natlab

import (
	"context"
	"fmt"
	"os/exec"
)

// Narrow bounds what goes to a host, in kilobits a second, as a slow access network does: what comes faster waits for up to
// 200 ms, a common buffer of access routers, and is lost beyond that. The host must not be narrow already; Widen ends it.
func (l *Lab) Narrow(ctx context.Context, to *Host, kbps int) error {
	err := run(exec.CommandContext(ctx, "tc", "-n", l.router.Namespace, //nolint:gosec // names of our own
		"qdisc", "add", "dev", to.Name, "root", "tbf", "rate", fmt.Sprintf("%dkbit", kbps), "burst", "8kb", "latency", "200ms"))
	if err != nil {
		return fmt.Errorf("narrow the way to %s: %w", to.Name, err)
	}
	return nil
}

// Widen lets everything go to the host again.
func (l *Lab) Widen(ctx context.Context, to *Host) error {
	if err := run(exec.CommandContext(ctx, "tc", "-n", l.router.Namespace, "qdisc", "del", "dev", to.Name, "root")); err != nil {
		return fmt.Errorf("widen the way to %s: %w", to.Name, err)
	}
	return nil
}
