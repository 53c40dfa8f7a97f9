//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"strings"
	"sync"
)

// Side is an end of a town.
type Side string

// The two ends.
const (
	DeviceSide Side = "device"
	ViewerSide Side = "viewer"
)

// Town is a small internet: a server with public addresses, a device and a viewer, each behind routers of a Type. Hosts are
// safe for concurrent use, but not while Rebuild runs.
type Town struct {
	config  TownConfig
	name    string
	folder  string // for files
	janitor *janitor

	internet, server *Host
	device, viewer   *end
	mapper           *Mapper // nil: none

	close sync.Once
	err   error
}

// NewTown builds a town. Addresses are the same in every town: nothing leaves one, and many stand side by side. The caller
// closes it; if its process dies without doing so, everything goes all the same.
func NewTown(ctx context.Context, config TownConfig) (*Town, error) {
	if err := errors.Join(Usable(), config.usable(), config.check()); err != nil {
		return nil, err
	}
	if err := Reap(ctx); err != nil {
		return nil, fmt.Errorf("remove the labs of dead processes: %w", err)
	}
	t := &Town{config: config, name: fmt.Sprintf("%s%d-%d-", prefix, os.Getpid(), built.Add(1))}
	var err error
	if t.folder, err = os.MkdirTemp("", t.name); err != nil {
		return nil, err
	}
	t.internet, t.server = t.host("internet"), t.host("server")
	t.device, t.viewer = t.end(DeviceSide, 1), t.end(ViewerSide, 2)
	namespaces := []string{t.internet.Namespace, t.server.Namespace}
	for _, e := range []*end{t.device, t.viewer} {
		namespaces = append(namespaces, e.host.Namespace, e.router.Namespace, e.carrier.Namespace)
	}
	if t.janitor, err = startJanitor(ctx, t.folder, namespaces); err != nil {
		return nil, fmt.Errorf("start the janitor: %w", err)
	}
	if err := t.build(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("build a town of %s and %s: %w", config.Device, config.Viewer, err), t.Close())
	}
	return t, nil
}

// Close kills what still runs in the town and removes it. Closing twice is harmless.
func (t *Town) Close() error {
	t.close.Do(func() {
		if t.mapper != nil {
			t.mapper.kill()
		}
		t.err = t.janitor.sweep()
	})
	return t.err
}

// Server returns the host with public addresses, two of each family.
func (t *Town) Server() *Host { return t.server }

// Device returns the device's host. It stays the same host in a rebuilt town, at another address.
func (t *Town) Device() *Host { return t.device.host }

// Viewer returns the viewer's host, as Device does.
func (t *Town) Viewer() *Host { return t.viewer.host }

// Router returns the home router of an end: its inside is lan0, its outside wan0. The viewer's is the device's under
// SameLAN.
func (t *Town) Router(side Side) *Host { return t.side(side).home().router }

// Carrier returns the carrier's translator of an end, nil if it has none. The viewer's is the device's under SameCarrier.
func (t *Town) Carrier(side Side) *Host {
	e := t.side(side).home()
	if e.kind == SameCarrier {
		e = e.neighbour
	}
	if carriers[e.kind] == "" {
		return nil
	}
	return e.carrier
}

// Outside returns where the internet sees an end's IPv4: the address of its outermost translator, or the host's own where there
// is none.
func (t *Town) Outside(side Side) netip.Addr {
	e := t.side(side).home()
	switch {
	case e.kind.public():
		return t.side(side).host.Addr
	case e.kind == SameCarrier:
		return e.neighbour.wan
	default:
		return e.wan
	}
}

// Config returns what the town was built as.
func (t *Town) Config() TownConfig { return t.config }

// Rebuild puts both ends behind other routers. What runs on the server, the device and the viewer runs on, as in a machine
// that is carried from one network to another; what runs on the routers is killed. After an error the town can only be
// closed.
func (t *Town) Rebuild(ctx context.Context, device, viewer Type) error {
	config := t.config
	config.Device, config.Viewer = device, viewer
	if err := config.check(); err != nil {
		return err
	}
	if err := t.clear(ctx); err != nil {
		return fmt.Errorf("clear a town of %s and %s: %w", t.config.Device, t.config.Viewer, err)
	}
	t.config = config
	var s sketch
	if err := t.ends(&s, s.stands(t.internet), s.stands(t.device.host), s.stands(t.viewer.host)); err != nil {
		return err
	}
	if err := s.build(ctx); err != nil {
		return fmt.Errorf("rebuild the town as %s and %s: %w", device, viewer, err)
	}
	return t.runMapper(ctx)
}

func (t *Town) host(name string) *Host { return &Host{Name: name, Namespace: t.name + name} }

func (t *Town) side(side Side) *end {
	if side == ViewerSide {
		return t.viewer
	}
	return t.device
}

func (t *Town) build(ctx context.Context) error {
	var s sketch
	internet := s.add(t.internet, forwarding())
	t.serve(&s, internet)
	device, viewer := s.add(t.device.host, atOnce()), s.add(t.viewer.host, atOnce())
	if err := t.ends(&s, internet, device, viewer); err != nil {
		return err
	}
	if err := s.build(ctx); err != nil {
		return err
	}
	return t.runMapper(ctx)
}

// runMapper gives the device's home router its miniupnpd.
func (t *Town) runMapper(ctx context.Context) error {
	if !t.config.Mapping || !t.config.Device.maps() {
		return nil
	}
	t.mapper = &Mapper{router: t.Router(DeviceSide), folder: t.folder}
	return t.mapper.Start(ctx, t.config.Protocols)
}

// serve puts the server on the internet.
func (t *Town) serve(s *sketch, internet *machine) {
	h := t.server
	h.Addr, h.second, h.bits, h.gateway = serverAddr, serverAlternate, 32, internetGateway
	if t.config.IPv6 {
		h.addr6, h.second6, h.bits6, h.gateway6 = serverAddr6, serverAlternate6, 128, linkGateway
	}
	s.wire(internet, "server", s.add(h, atOnce()).with(h.plug()), "eth0")
	internet.run("link set dev server up")
	internet.run("addr add %s/32 dev server", internetGateway)
	internet.run("route add %s dev server", h.Addr)
	internet.run("route add %s dev server", h.second)
	if t.config.IPv6 {
		internet.run("addr add %s/64 dev server nodad", linkGateway)
		internet.run("route add %s dev server", h.addr6)
		internet.run("route add %s dev server", h.second6)
	}
}

// clear removes everything between the ends and the internet. Interfaces go first and by name: a namespace that goes takes
// its own along some time later, when new ones of the same name may stand already.
func (t *Town) clear(ctx context.Context) error {
	if t.mapper != nil {
		t.mapper.kill()
		t.mapper = nil
	}
	var routers []string
	var links strings.Builder
	for _, e := range []*end{t.device, t.viewer} {
		if err := batch(ctx, e.host.Namespace, "link del eth0\n"); err != nil {
			return err
		}
		if e.online() {
			fmt.Fprintf(&links, "link del %s\n", e.side)
		}
		routers = append(routers, e.router.Namespace, e.carrier.Namespace)
	}
	if err := batch(ctx, t.internet.Namespace, links.String()); err != nil {
		return err
	}
	return clean(ctx, routers)
}
