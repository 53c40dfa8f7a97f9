//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// sketch is a network before it is built: machines and the wires between them.
type sketch struct {
	machines []*machine
	wires    strings.Builder
}

// machine is a host of a sketch.
type machine struct {
	*Host

	standing bool // its namespace exists
	settings []setting
	commands strings.Builder // for ip, once the wires are there
	ruleset  string
}

// add puts a host into the sketch that is not there yet.
func (s *sketch) add(h *Host, settings []setting) *machine {
	m := &machine{Host: h, settings: settings}
	m.run("link set lo up")
	s.machines = append(s.machines, m)
	return m
}

// stands puts a host into the sketch that was built before.
func (s *sketch) stands(h *Host) *machine {
	m := &machine{Host: h, standing: true}
	s.machines = append(s.machines, m)
	return m
}

// indices number interfaces, above what the kernel gives itself.
var indices = func() *atomic.Int64 { n := new(atomic.Int64); n.Store(1000); return n }()

// wire connects interfaces of two machines. Were their indices the same, each in its own namespace, the kernel would take
// them for hardware and not look after them for a second.
func (s *sketch) wire(a *machine, portA string, b *machine, portB string) {
	fmt.Fprintf(&s.wires, "link add name %s index %d netns %s type veth peer name %s netns %s\n",
		portA, indices.Add(1), a.Namespace, portB, b.Namespace)
	b.Host.wire = []wireEnd{{a.Namespace, portA}, {b.Namespace, portB}}
}

// run adds a command for ip.
func (m *machine) run(format string, args ...any) {
	fmt.Fprintf(&m.commands, format+"\n", args...)
}

// with adds commands for ip.
func (m *machine) with(commands string) *machine {
	m.commands.WriteString(commands)
	return m
}

// build makes what the sketch has and does not stand.
func (s *sketch) build(ctx context.Context) error {
	var names strings.Builder
	for _, m := range s.machines {
		if !m.standing {
			fmt.Fprintf(&names, "netns add %s\n", m.Namespace)
		}
	}
	if err := batch(ctx, "", names.String()); err != nil {
		return err
	}
	// Interfaces take their settings from their namespace when they are made.
	for _, m := range s.machines {
		if err := m.set(m.settings); err != nil {
			return err
		}
	}
	if err := batch(ctx, "", s.wires.String()); err != nil {
		return err
	}
	var all errgroup.Group
	for _, m := range s.machines {
		all.Go(func() error {
			if err := batch(ctx, m.Namespace, m.commands.String()); err != nil || m.ruleset == "" {
				return err
			}
			return m.Filter(ctx, m.ruleset)
		})
	}
	if err := all.Wait(); err != nil {
		return err
	}
	for _, m := range s.machines {
		if err := m.ready(ctx); err != nil {
			return err
		}
	}
	return nil
}

// patience is how long interfaces may take: the kernel looks after those that it holds for unimportant once a second.
const patience = 5 * time.Second

// ready waits until the kernel has seen that a host's interfaces are up at both ends. That takes a few milliseconds; a
// packet before it is lost, and with it the second until the next ARP request.
func (h *Host) ready(ctx context.Context) error {
	return h.inside(func() error {
		for deadline := time.Now().Add(patience); ; time.Sleep(time.Millisecond) {
			down, err := sleeping()
			if err != nil || down == "" {
				return err
			}
			if ctx.Err() != nil || time.Now().After(deadline) {
				return fmt.Errorf("wait for %s of %s: %w", down, h.Name, errors.Join(ctx.Err(), errNotUp))
			}
		}
	})
}

var errNotUp = errors.New("the interface does not come up")

// sleeping returns an interface of this thread's namespace that carries nothing yet.
func sleeping() (string, error) {
	all, err := net.Interfaces()
	if err != nil {
		return "", err
	}
	for _, i := range all {
		if i.Flags&net.FlagRunning == 0 {
			return i.Name, nil
		}
	}
	return "", nil
}
