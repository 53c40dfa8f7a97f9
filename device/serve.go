package device

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
)

// newUplink makes the device's link to the hub.
func (c *camera) newUplink(hello func(time.Time) (*protocol.Hello, error), handler uplink.Handler) (*uplink.Link, error) {
	a := c.agent
	return uplink.New(uplink.Config{
		Hub: a.hub, TLS: a.config.TLS, Client: a.client, Hello: hello, Handler: handler,
		Door: a.config.Door, Probes: a.config.Probes, NetworkInterval: a.config.NetworkInterval, Memory: a.networks,
		Link: a.config.Link, DialTimeout: a.config.DialTimeout, HelloTimeout: a.config.HelloTimeout,
		MinBackoff: a.config.MinBackoff, MaxBackoff: a.config.MaxBackoff, RefusedBackoff: a.config.RefusedBackoff,
		Logger: c.log,
	})
}

// serve keeps the link up until the context ends.
func (c *camera) serve(ctx context.Context, key ed25519.PrivateKey, id identity, port *reach.Port) error {
	v := newViewings(c, id.Device, port)
	up, err := c.newUplink(func(now time.Time) (*protocol.Hello, error) { return c.hello(key, id, now) }, v)
	if err != nil {
		return err
	}
	v.up = up
	c.change(func(l *live) { l.up, l.viewings = up, v })
	unsubscribe := port.Subscribe(func(bool) { v.news.changed() })
	defer unsubscribe()
	// The sessions end first, so that the hub has their last reports before it hears that the device goes.
	linked, unlink := context.WithCancel(context.WithoutCancel(ctx))
	defer unlink()
	var leaving sync.WaitGroup
	leaving.Go(func() {
		<-ctx.Done()
		v.closeAll(protocol.ReasonDeviceLeft)
		unlink()
	})
	up.Run(linked)
	leaving.Wait()
	return nil
}

// hello is what the device says of itself, with a token of the hub's time.
func (c *camera) hello(key ed25519.PrivateKey, id identity, now time.Time) (*protocol.Hello, error) {
	token, err := auth.SignDevice(key, id.Device, c.agent.hub.String(), now)
	if err != nil {
		return nil, fmt.Errorf("sign token: %w", err)
	}
	return &protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleDevice, Token: token, MaxSessions: c.config.MaxSessions,
		Client: protocol.Client{Name: "sightline-agent", Version: c.agent.config.Version, Model: c.config.Model},
	}, nil
}
