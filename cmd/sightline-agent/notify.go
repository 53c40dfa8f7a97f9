package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/device"
)

// notifier tells the service manager how the agent is, by the protocol of sd_notify(3). Without a service manager it
// tells nobody.
type notifier struct {
	// socket is where the manager listens; empty without one. watchdog is how long it waits for a sign of life; 0 if it does not.
	socket   string
	watchdog time.Duration
	logger   *slog.Logger
}

// newNotifier reads what the service manager left in the environment: NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID.
func newNotifier(logger *slog.Logger) *notifier {
	n := &notifier{socket: os.Getenv("NOTIFY_SOCKET"), logger: logger}
	if pid := os.Getenv("WATCHDOG_PID"); pid != "" && pid != strconv.Itoa(os.Getpid()) {
		return n // it is meant for another process
	}
	if µs, err := strconv.ParseInt(os.Getenv("WATCHDOG_USEC"), 10, 64); err == nil && µs > 0 {
		n.watchdog = time.Duration(µs) * time.Microsecond
	}
	return n
}

// tell sends a state to the manager.
func (n *notifier) tell(state ...string) {
	if n.socket == "" {
		return
	}
	name := n.socket
	if strings.HasPrefix(name, "@") {
		name = "\x00" + name[1:] // Linux's abstract names
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: name, Net: "unixgram"})
	if err == nil {
		defer conn.Close() //nolint:errcheck // a datagram is sent by then
		_, err = conn.Write([]byte(strings.Join(state, "\n")))
	}
	if err != nil {
		n.logger.Warn("service manager not told", "err", err)
	}
}

// statusInterval is how often the manager is told at least.
const statusInterval = 30 * time.Second

// agent is what the manager is told of.
type agent interface {
	Listening() <-chan struct{}
	Status() device.Status
	Stuck() error
}

// run tells the manager that the agent is ready, and from then on how it is and that it lives, until the context ends. An
// agent of which something is stuck gives no sign of life: the manager starts it anew. An agent is ready when it has its media
// port, also while no hub can be reached: to wait for one is its work.
func (n *notifier) run(ctx context.Context, a agent) {
	if n.socket == "" {
		return
	}
	select {
	case <-ctx.Done():
		return
	case <-a.Listening():
	}
	n.tell("READY=1", "STATUS="+summary(a.Status()))
	interval := statusInterval
	if n.watchdog > 0 {
		interval = min(interval, n.watchdog/3)
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	for {
		if err := a.Stuck(); err == nil {
			n.tell("WATCHDOG=1", "STATUS="+summary(a.Status()))
		} else {
			n.logger.Error("agent is stuck", "err", err)
			n.tell("STATUS=stuck: " + strings.ReplaceAll(err.Error(), "\n", "; "))
		}
		select {
		case <-ctx.Done():
			n.tell("STOPPING=1", "STATUS=ending sessions")
			return
		case <-ticker.C:
		}
	}
}

// summary says how an agent is, for one line of systemctl status.
func summary(s device.Status) string {
	up, sessions := 0, 0
	var faults []string
	for _, c := range s.Cameras {
		sessions += len(c.Sessions)
		if c.Link.Up {
			up++
			continue
		}
		err := c.Err
		if err == nil {
			err = c.Link.Err
		}
		if err != nil {
			faults = append(faults, strings.TrimSpace(c.ID+" "+strings.ReplaceAll(err.Error(), "\n", "; ")))
		}
	}
	words := fmt.Sprintf("%d of %d cameras on the air, %d viewers", up, len(s.Cameras), sessions)
	if len(faults) > 0 {
		words += ": " + strings.Join(faults, "; ")
	}
	return words
}
