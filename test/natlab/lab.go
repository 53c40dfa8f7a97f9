//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
)

// prefix begins the name of every namespace this package makes; the builder's process id and a count follow, so
// that labs stand side by side and Reap knows whose builder has died.
const prefix = "sightline-lab-"

var built atomic.Int64

// Lab is a network of hosts around one router. It is safe for concurrent use.
type Lab struct {
	name    string
	hosts   map[string]*Host
	router  *Host
	janitor *janitor

	close sync.Once
	err   error
}

// New builds a lab with the named hosts, the first at 10.77.1.2, the second at 10.77.2.2 and so on. Addresses are
// the same in every lab: nothing leaves one. The caller closes the lab; if its process dies without doing so, the
// namespaces go all the same.
func New(ctx context.Context, hosts ...string) (*Lab, error) {
	if err := Usable(); err != nil {
		return nil, err
	}
	if err := Reap(ctx); err != nil {
		return nil, fmt.Errorf("remove the labs of dead processes: %w", err)
	}
	l := &Lab{
		name:  fmt.Sprintf("%s%d-%d-", prefix, os.Getpid(), built.Add(1)),
		hosts: make(map[string]*Host, len(hosts)),
	}
	l.router = l.host("router", 0)
	namespaces := []string{l.router.Namespace}
	for i, name := range hosts {
		h := l.host(name, byte(i+1))
		l.hosts[name] = h
		namespaces = append(namespaces, h.Namespace)
	}
	var err error
	if l.janitor, err = startJanitor(ctx, "", namespaces); err != nil {
		return nil, fmt.Errorf("start the janitor: %w", err)
	}
	if err := l.build(ctx, hosts); err != nil {
		return nil, errors.Join(fmt.Errorf("build the lab: %w", err), l.Close())
	}
	return l, nil
}

// Close kills what still runs on the hosts and removes the network. Closing twice is harmless.
func (l *Lab) Close() error {
	l.close.Do(func() { l.err = l.janitor.sweep() })
	return l.err
}

// Host returns the host of a name that New was given; any other name is a fault of the caller and panics.
func (l *Lab) Host(name string) *Host {
	h, ok := l.hosts[name]
	if !ok {
		panic("natlab: no host " + name)
	}
	return h
}

// Router returns the namespace through which all hosts talk to each other.
func (l *Lab) Router() *Host { return l.router }

// host is the nth host, the first being 1; 0 is the router.
func (l *Lab) host(name string, n byte) *Host {
	h := &Host{Name: name, Namespace: l.name + name}
	if n > 0 {
		h.Addr, h.bits, h.gateway = netip.AddrFrom4([4]byte{10, 77, n, 2}), 24, netip.AddrFrom4([4]byte{10, 77, n, 1})
		h.addr6, h.bits6 = netip.AddrFrom16([16]byte{0: 0xfd, 1: 0x77, 3: n, 15: 2}), 64
	}
	return h
}

func (l *Lab) build(ctx context.Context, names []string) error {
	var s sketch
	router := s.add(l.router, forwarding())
	for _, name := range names {
		h := s.add(l.hosts[name], atOnce())
		s.wire(router, name, h, "eth0")
		router.run("addr add %s/%d dev %s", h.gateway, h.bits, name)
		router.run("link set dev %s up", name)
		h.with(h.plug())
	}
	return s.build(ctx)
}
