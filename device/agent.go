package device

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/protocol"
)

// Agent is the process on a camera, or beside several: each camera is a device of its own to the hub, and all share the
// media port, the certificate of media and the way to the hub.
type Agent struct {
	config   Config
	hub      *url.URL
	client   *http.Client
	state    state
	host     *peer.Host
	networks *networks
	cameras  []*camera
	// port is the media port; nil before listening is closed.
	port      atomic.Pointer[reach.Port]
	listening chan struct{}

	// reporting is held while the caller is told that a camera is ready.
	reporting sync.Mutex
	// remembering is held while the memory of the media port is changed.
	remembering sync.Mutex
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
	host, err := peer.NewHost(config.Media)
	if err != nil {
		return nil, fmt.Errorf("make media host: %w", err)
	}
	a := &Agent{config: config, hub: hub, state: state{config.State}, host: host, client: door.NewClient(config.TLS), listening: make(chan struct{})}
	a.networks = newNetworks(a.state, config.Logger)
	for _, c := range config.Cameras {
		camera, err := newCamera(a, c)
		if err != nil {
			return nil, err
		}
		a.cameras = append(a.cameras, camera)
	}
	return a, nil
}

// Run serves until the context ends, which it takes for "the cameras go": sessions end with a reason. It returns nil
// then. It can be called once. A camera that cannot serve, as one whose code is refused, does not stop the others; Run
// fails when none is left, and when the media port is taken.
func (a *Agent) Run(ctx context.Context) error {
	defer a.client.CloseIdleConnections()
	port, err := a.openPort()
	if err != nil {
		return err
	}
	if err := a.host.Listen(port); err != nil {
		return errors.Join(err, port.Close())
	}
	a.port.Store(port)
	close(a.listening)
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return port.Run(ctx) })
	group.Go(func() error {
		return errors.Join(a.serveAll(ctx, port), a.host.Close(), port.Close())
	})
	return group.Wait()
}

// Listening returns a channel that is closed once Run has opened the media port: nothing in the configuration ends the agent
// from then on but its cameras' enrolment.
func (a *Agent) Listening() <-chan struct{} { return a.listening }

// serveAll serves the cameras until the context ends, or none is left that can be served.
func (a *Agent) serveAll(ctx context.Context, port *reach.Port) error {
	ends := make([]error, len(a.cameras))
	var work sync.WaitGroup
	for n, c := range a.cameras {
		work.Go(func() {
			err := c.run(ctx, port)
			c.change(func(l *live) { l.err = err })
			if err != nil && ctx.Err() == nil && len(a.cameras) > 1 {
				c.log.Error("camera not served", "err", err)
				err = c.config.blame(err)
			}
			ends[n] = err
		})
	}
	work.Wait()
	select {
	case <-ctx.Done():
		return nil
	default:
		return errors.Join(ends...)
	}
}

// isReady tells the caller of a camera whose link is up.
func (a *Agent) isReady(id protocol.DeviceID) {
	a.reporting.Lock()
	defer a.reporting.Unlock()
	a.config.Ready(id)
}
