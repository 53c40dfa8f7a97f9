//go:build linux

package rig

import (
	"context"
	"fmt"
	"net"
	"net/netip"

	"github.com/sightline-rtc/sightline/test/middlebox"
)

// Middlebox is a proxy on the way to a hub. Nothing goes through it but HTTP; media and the relay go past it.
type Middlebox struct {
	*middlebox.Proxy
	// Hub is the same hub as those see it who reach it through the middlebox.
	Hub *Hub
}

// firstBox is the last byte of the first middlebox's address.
const firstBox = 10

// Middlebox puts a proxy before a hub that listens on all addresses of its host (HubEverywhere): the host gets another
// address, and on the way there the router takes the connections for the proxy.
func (r *Rig) Middlebox(ctx context.Context, hub *Hub, config middlebox.Config) (*Middlebox, error) {
	r.mu.Lock()
	bytes := r.Server.Addr.As4()
	bytes[3] = firstBox + r.boxes
	r.boxes++
	r.mu.Unlock()
	addr := netip.AddrFrom4(bytes)
	if err := r.Server.Add(ctx, addr); err != nil {
		return nil, err
	}
	router := r.Lab.Router()
	listener, err := router.Listen(ctx, "tcp4", ":0")
	if err != nil {
		return nil, err
	}
	port, _ := listener.Addr().(*net.TCPAddr)
	if err := r.Lab.Divert(ctx, netip.AddrPortFrom(addr, hubPort), port.Port); err != nil {
		return nil, err
	}
	config.Target = netip.AddrPortFrom(r.Server.Addr, hubPort).String()
	config.Dial = router.Dial
	proxy, err := middlebox.New(config)
	if err != nil {
		return nil, err
	}
	r.serve(ctx, proxy, listener)
	behind := *hub
	behind.URL = fmt.Sprintf("http://%s", netip.AddrPortFrom(addr, hubPort))
	return &Middlebox{proxy, &behind}, nil
}

func (r *Rig) serve(ctx context.Context, proxy *middlebox.Proxy, listener net.Listener) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(ctx))
	ended := make(chan error, 1)
	go func() { ended <- proxy.Serve(ctx, listener) }()
	r.onClose(func() error {
		cancel()
		return <-ended
	})
}
