package device

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/protocol"
)

// Agent is one device: a camera with its link to the hub and its viewers.
type Agent struct {
	config Config
	hub    *url.URL
	client *http.Client
	state  state
	host   *peer.Host
	camera *source.Camera
	ready  sync.Once
}

// New makes an agent; it fails when the configuration cannot be right. It does no I/O.
func New(config Config) (*Agent, error) {
	config = config.withDefaults()
	hub, err := parseHub(config.Hub)
	if err != nil {
		return nil, err
	}
	if err := config.check(); err != nil {
		return nil, err
	}
	camera, err := source.OpenCamera(source.CameraConfig{
		Name: config.Name, Source: config.Source, Sub: config.Sub, Warm: config.Warm, Logger: config.Logger,
	})
	if err != nil {
		return nil, err
	}
	host, err := peer.NewHost(config.Media)
	if err != nil {
		return nil, fmt.Errorf("make media host: %w", err)
	}
	return &Agent{
		config: config, hub: hub, state: state{config.State}, host: host, client: door.NewClient(config.TLS), camera: camera,
	}, nil
}

// Run serves until the context ends, which it takes for "the camera goes": sessions end with a reason. It returns
// nil then. It fails when the state directory cannot be used, the media port is taken or the enrolment is refused.
func (a *Agent) Run(ctx context.Context) error {
	defer a.client.CloseIdleConnections()
	port, err := a.openPort()
	if err != nil {
		return err
	}
	if err := a.host.Listen(port); err != nil {
		return errors.Join(err, port.Close())
	}
	key, id, err := a.identify(ctx)
	if err != nil {
		err = errors.Join(err, a.host.Close(), port.Close())
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	a.remember(func(m *mediaPort) { m.Port = port.Number() })
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.camera.Run(ctx) })
	group.Go(func() error { return port.Run(ctx) })
	group.Go(func() error {
		return errors.Join(a.serve(ctx, key, id, port), a.host.Close(), port.Close())
	})
	return group.Wait()
}

// identify finds out who the device is: from its state, else by enrolling.
func (a *Agent) identify(ctx context.Context) (ed25519.PrivateKey, identity, error) {
	id, known, err := a.state.identity()
	if err != nil {
		return nil, identity{}, err
	}
	if known {
		if a.config.Enrol.Reveal() != "" {
			a.config.Logger.Info("enrolled already, the code is not used", "device", id.Device)
		}
		key, err := a.state.key()
		return key, id, err
	}
	if a.config.Enrol.Reveal() == "" {
		return nil, identity{}, errors.New("the device is not enrolled: start it once with an enrolment code")
	}
	code, err := auth.ParseCode(a.config.Enrol.Reveal())
	if err != nil {
		return nil, identity{}, errors.New(protocol.AsError(err).Message)
	}
	key, err := a.state.keyOrNew()
	if err != nil {
		return nil, identity{}, err
	}
	if id, err = a.enrol(ctx, key, auth.NewSecret(code)); err != nil {
		return nil, identity{}, err
	}
	if err := a.state.saveIdentity(id); err != nil {
		return nil, identity{}, err
	}
	a.config.Logger.Info("enrolled", "device", id.Device, "project", id.Project)
	return key, id, nil
}
