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
	// Addr is the host's address, the first one if it was given others; a router has none of its own.
	Addr netip.Addr

	bits     int        // of its network
	gateway  netip.Addr // its default route
	addr6    netip.Addr
	bits6    int
	gateway6 netip.Addr // zero: IPv6 is none of Plug's business
	second   netip.Addr // another address, zero for most
	second6  netip.Addr
	cone     bool // a router whose ruleset remembers
	wire     []wireEnd
}

// wireEnd is one of the two ends of the wire that connects a host to its network.
type wireEnd struct{ namespace, port string }

// Second is the host's second address: what a server needs for RFC 5780. Only the server of a town has one.
func (h *Host) Second() netip.Addr { return h.second }

// Second6 is Second for IPv6, the zero Addr where a town has none.
func (h *Host) Second6() netip.Addr { return h.second6 }

// Addr6 is the host's IPv6 address: in a town the zero Addr where it has none, in a lab what AddIPv6 gives it, fd77:N::2
// for the host at 10.77.N.2.
func (h *Host) Addr6() netip.Addr { return h.addr6 }

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
