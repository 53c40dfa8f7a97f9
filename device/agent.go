package device

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/source"
)

// Agent is one device: a camera with its link to the hub and its viewers.
type Agent struct {
	config Config
	hub    *url.URL
	client *http.Client
	state  state
	host   *peer.Host
	feed   *source.Feed
	ready  sync.Once
}

// New makes an agent; it fails when the configuration cannot be right. It does no I/O.
func New(config Config) (*Agent, error) {
	config = config.withDefaults()
	hub, err := parseHub(config.Hub)
	if err != nil {
		return nil, err
	}
	if config.State == "" {
		return nil, errors.New("the state directory must be named")
	}
	src, err := source.Open(config.Source, source.Config{Name: config.Name, Logger: config.Logger})
	if err != nil {
		return nil, err
	}
	host, err := peer.NewHost(config.Media)
	if err != nil {
		return nil, fmt.Errorf("make media host: %w", err)
	}
	transport, _ := http.DefaultTransport.(*http.Transport)
	transport = transport.Clone()
	transport.TLSClientConfig = config.TLS
	return &Agent{
		config: config, hub: hub, state: state{config.State}, host: host,
		client: &http.Client{Transport: transport},
		feed:   source.NewFeed(source.FeedConfig{Source: src, Warm: config.Warm, Logger: config.Logger}),
	}, nil
}

// Run serves until the context ends, which it takes for "the camera goes": sessions end with a reason. It returns
// nil then. It fails when the state directory cannot be used, the media port is taken or the enrolment is refused.
func (a *Agent) Run(ctx context.Context) error {
	defer a.client.CloseIdleConnections()
	if err := a.host.Listen(); err != nil {
		return fmt.Errorf("open media port: %w", err)
	}
	key, id, err := a.identify(ctx)
	if err != nil {
		err = errors.Join(err, a.host.Close())
		if ctx.Err() != nil {
			return nil
		}
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.feed.Run(ctx) })
	group.Go(func() error {
		a.serve(ctx, key, id)
		return a.host.Close()
	})
	return group.Wait()
}

// identify finds out who the device is: from its state, else by enrolling.
func (a *Agent) identify(ctx context.Context) (ed25519.PrivateKey, identity, error) {
	key, err := a.state.key()
	if err != nil {
		return nil, identity{}, err
	}
	id, known, err := a.state.identity()
	if err != nil {
		return nil, identity{}, err
	}
	if known {
		if a.config.Enrol.Reveal() != "" {
			a.config.Logger.Info("enrolled already, the code is not used", "device", id.Device)
		}
		return key, id, nil
	}
	if a.config.Enrol.Reveal() == "" {
		return nil, identity{}, errors.New("the device is not enrolled: start it once with an enrolment code")
	}
	if id, err = a.enrol(ctx, key); err != nil {
		return nil, identity{}, err
	}
	if err := a.state.saveIdentity(id); err != nil {
		return nil, identity{}, err
	}
	a.config.Logger.Info("enrolled", "device", id.Device, "project", id.Project)
	return key, id, nil
}

// backoff is full jitter: anything up to twice as long at each attempt, but never less than the least.
func (a *Agent) backoff(attempt int) time.Duration {
	ceiling := a.config.MinBackoff << min(attempt, 16)
	if ceiling > a.config.MaxBackoff || ceiling <= 0 {
		ceiling = a.config.MaxBackoff
	}
	if ceiling <= a.config.MinBackoff {
		ceiling = 2 * a.config.MinBackoff
	}
	return a.config.MinBackoff + rand.N(ceiling-a.config.MinBackoff) //nolint:gosec // jitter is no secret
}

// pause waits, and fails only when the context ends.
func (a *Agent) pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
