//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"golang.org/x/sys/unix"
)

// namespaces is where iproute2 keeps the handles of named namespaces.
const namespaces = "/run/netns"

// Host is one machine of a lab: a network namespace with one interface, eth0.
type Host struct {
	// Name is the name that New was given, Namespace the one that `ip netns` knows.
	Name, Namespace string
	// Addr is the host's address, the first one if it was given others; the router has none of its own.
	Addr netip.Addr
}

// Command returns a command that runs on the host. Its process id is the program's own.
func (h *Host) Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, "ip", append([]string{"netns", "exec", h.Namespace, name}, args...)...)
}

// Dial connects from the host to a numeric address. It is a net.Dialer.DialContext, and fits an http.Transport.
func (h *Host) Dial(ctx context.Context, network, address string) (net.Conn, error) {
	var conn net.Conn
	err := h.inside(func() (err error) {
		conn, err = new(net.Dialer).DialContext(ctx, network, address)
		return err
	})
	return conn, err
}

// ListenPacket opens a datagram socket on the host.
func (h *Host) ListenPacket(ctx context.Context, network, address string) (net.PacketConn, error) {
	var conn net.PacketConn
	err := h.inside(func() (err error) {
		conn, err = new(net.ListenConfig).ListenPacket(ctx, network, address)
		return err
	})
	return conn, err
}

// Listen opens a listener on the host.
func (h *Host) Listen(ctx context.Context, network, address string) (net.Listener, error) {
	var listener net.Listener
	err := h.inside(func() (err error) {
		listener, err = new(net.ListenConfig).Listen(ctx, network, address)
		return err
	})
	return listener, err
}

// inside calls f on a thread that has entered the host's namespace. A socket belongs for ever to the namespace it was
// made in, so what f opens can be used anywhere afterwards.
func (h *Host) inside(f func() error) error {
	result := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		if unix.Gettid() == unix.Getpid() {
			// The first thread stands for the process: it must stay outside, and it cannot die. While it waits here
			// another thread has to do the work.
			defer runtime.UnlockOSThread()
			result <- h.inside(f)
			return
		}
		// Never unlocked: the thread dies with its goroutine, and nothing else ever runs in the namespace.
		if err := h.enter(); err != nil {
			result <- fmt.Errorf("enter %s: %w", h.Namespace, err)
			return
		}
		result <- f()
	}()
	return <-result
}

func (h *Host) enter() error {
	handle, err := os.Open(filepath.Join(namespaces, h.Namespace))
	if err != nil {
		return err
	}
	return errors.Join(unix.Setns(int(handle.Fd()), unix.CLONE_NEWNET), handle.Close())
}

func (h *Host) gateway() netip.Addr {
	a := h.Addr.As4()
	a[3] = 1
	return netip.AddrFrom4(a)
}

// settings are what every namespace of a lab needs before its first packet:
// the router forwards; bridged frames do not pass the NAT hooks a second time, which some kernels do by default;
// IPv6 works at once instead of after a second or two of duplicate address detection.
const settings = `
echo 1 > /proc/sys/net/ipv4/ip_forward
echo 1 > /proc/sys/net/ipv6/conf/all/forwarding
for f in /proc/sys/net/bridge/bridge-nf-call-*; do [ ! -e "$f" ] || echo 0 > "$f"; done
for c in all default; do
  echo 0 > /proc/sys/net/ipv6/conf/$c/accept_dad
  echo 0 > /proc/sys/net/ipv6/conf/$c/dad_transmits 2>/dev/null || true
done
`

func (h *Host) settle(ctx context.Context) error {
	return run(h.Command(ctx, "sh", "-ec", settings))
}
