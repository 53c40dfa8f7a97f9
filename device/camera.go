package device

import (
	"context"
	"crypto/ed25519"
	"errors"
	"log/slog"
	"path/filepath"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/protocol"
)

// camera is one device of the agent: a camera with its key, its link to the hub and its viewers.
type camera struct {
	agent  *Agent
	config CameraConfig
	log    *slog.Logger
	state  state
	source *source.Camera
	ready  sync.Once

	// mu guards now.
	mu  sync.Mutex
	now live
}

// live is what a camera has come to while it runs.
type live struct {
	device protocol.DeviceID
	// err is why it cannot serve, or not yet.
	err error
	// up and viewings are nil before it serves.
	up       *uplink.Link
	viewings *viewings
}

func (c *camera) live() live {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *camera) change(what func(*live)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	what(&c.now)
}

// newCamera makes a camera; it fails when its configuration cannot be right. It does no I/O.
func newCamera(a *Agent, config CameraConfig) (*camera, error) {
	c := &camera{agent: a, config: config, log: a.config.Logger, state: a.state}
	if config.ID != "" {
		c.log = c.log.With("camera", config.ID)
		c.state = state{filepath.Join(a.config.State, config.ID)}
	}
	var err error
	if c.source, err = c.config.open(c.log); err != nil {
		return nil, config.blame(err)
	}
	return c, nil
}

// run serves the camera until the context ends. It fails when the camera's state makes no sense or its enrolment is
// refused: another attempt would change nothing. What it returns after the context has ended says nothing.
func (c *camera) run(ctx context.Context, port *reach.Port) error {
	key, id, err := c.become(ctx)
	if err != nil {
		return err
	}
	c.change(func(l *live) { l.device, l.err = id.Device, nil })
	c.agent.remember(func(m *mediaPort) { m.Port = port.Number() })
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return c.source.Run(ctx) })
	group.Go(func() error { return c.serve(ctx, key, id, port) })
	return group.Wait()
}

// become finds out who the device is, and waits while that cannot be written down.
func (c *camera) become(ctx context.Context) (ed25519.PrivateKey, identity, error) {
	timing := &c.agent.config
	backoff := uplink.Backoff{Min: timing.MinBackoff, Max: timing.MaxBackoff}
	for failures := 0; ; failures++ {
		key, id, err := c.identify(ctx)
		if !passes(err) {
			return key, id, err
		}
		wait := backoff.After(err, failures)
		c.change(func(l *live) { l.err = err })
		c.log.Error("state not written", "path", c.state.dir, "err", err, "retry", wait.Round(time.Millisecond))
		if err := uplink.Pause(ctx, wait); err != nil {
			return nil, identity{}, err
		}
	}
}

// identify finds out who the device is: from its state, else by enrolling.
func (c *camera) identify(ctx context.Context) (ed25519.PrivateKey, identity, error) {
	id, known, err := c.state.identity()
	if err != nil {
		return nil, identity{}, err
	}
	if known {
		if c.config.Enrol.Reveal() != "" {
			c.log.Info("enrolled already, the code is not used", "device", id.Device)
		}
		key, err := c.state.key()
		return key, id, err
	}
	if c.config.Enrol.Reveal() == "" {
		return nil, identity{}, errors.New("the device is not enrolled: start it once with an enrolment code")
	}
	code, err := auth.ParseCode(c.config.Enrol.Reveal())
	if err != nil {
		return nil, identity{}, errors.New(protocol.AsError(err).Message)
	}
	key, err := c.state.keyOrNew()
	if err != nil {
		return nil, identity{}, err
	}
	if id, err = c.enrol(ctx, key, auth.NewSecret(code)); err != nil {
		return nil, identity{}, err
	}
	if err := c.state.saveIdentity(id); err != nil {
		return nil, identity{}, err
	}
	c.log.Info("enrolled", "device", id.Device, "project", id.Project)
	return key, id, nil
}
