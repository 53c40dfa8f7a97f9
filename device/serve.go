package device

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
)

// newUplink makes the device's link to the hub.
func (a *Agent) newUplink(hello func(time.Time) (*protocol.Hello, error), handler uplink.Handler) (*uplink.Link, error) {
	c := a.config
	return uplink.New(uplink.Config{
		Hub: a.hub, TLS: c.TLS, Client: a.client, Hello: hello, Handler: handler,
		Door: c.Door, Probes: c.Probes, NetworkInterval: c.NetworkInterval, Memory: newNetworks(a.state, c.Logger),
		Link: c.Link, DialTimeout: c.DialTimeout, HelloTimeout: c.HelloTimeout,
		MinBackoff: c.MinBackoff, MaxBackoff: c.MaxBackoff, RefusedBackoff: c.RefusedBackoff,
		Logger: c.Logger,
	})
}

// serve keeps the link up until the context ends.
func (a *Agent) serve(ctx context.Context, key ed25519.PrivateKey, id identity, port *reach.Port) error {
	v := newViewings(a, id.Device, port)
	up, err := a.newUplink(func(now time.Time) (*protocol.Hello, error) { return a.hello(key, id, now) }, v)
	if err != nil {
		return err
	}
	v.up = up
	unsubscribe := port.Subscribe(func(bool) { v.news.changed() })
	defer unsubscribe()
	defer v.closeAll(protocol.ReasonDeviceLeft)
	up.Run(ctx)
	return nil
}

// hello is what the device says of itself, with a token of the hub's time.
func (a *Agent) hello(key ed25519.PrivateKey, id identity, now time.Time) (*protocol.Hello, error) {
	token, err := auth.SignDevice(key, id.Device, a.hub.String(), now)
	if err != nil {
		return nil, fmt.Errorf("sign token: %w", err)
	}
	return &protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleDevice, Token: token, MaxSessions: a.config.MaxSessions,
		Client: protocol.Client{Name: "sightline-agent", Version: a.config.Version, Model: a.config.Model},
	}, nil
}
