//go:build linux

package matrix

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// Stage is a town with the product in it: one server for all pairs, an agent and a browser for each. It is for one visit at
// a time. The caller closes it.
type Stage struct {
	conditions Conditions
	rig        *rig.Rig
	hub        *rig.Hub
	api        *rig.API
	agent      *rig.Agent
	token      string
	visits     int
}

// Open builds the town and starts the server. The device is enrolled once: a camera keeps its identity wherever it stands.
func Open(ctx context.Context, c Conditions) (*Stage, error) {
	r, err := rig.OpenTown(ctx, natlab.TownConfig{
		Device: natlab.Open, Viewer: natlab.Open, IPv6: c.IPv6, Hairpin: c.Hairpin, Mapping: c.Mapping,
	})
	if err != nil {
		return nil, err
	}
	s := &Stage{conditions: c, rig: r}
	if err := s.start(ctx); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

func (s *Stage) start(ctx context.Context) (err error) {
	if s.hub, err = s.rig.TownHub(ctx); err != nil {
		return err
	}
	if s.api, err = s.hub.API(ctx); err != nil {
		return err
	}
	if s.agent, err = s.rig.Agent(ctx, s.hub, "agent", source); err != nil {
		return err
	}
	if s.token, err = s.hub.Token(ctx, s.agent.Device, "--ttl", "12h"); err != nil {
		return err
	}
	return s.agent.Stop()
}

// Close ends the programs and removes the town.
func (s *Stage) Close() error { return s.rig.Close() }

// WriteLog writes what all programs have said since the last call.
func (s *Stage) WriteLog(w io.Writer) error {
	_, err := s.rig.Log.WriteTo(w)
	return err
}

const (
	// source is what the agent shows: a picture every 33 ms, so that gaps of a path can be told from pauses of the source.
	source = "test:"
	// settle is how long an agent may take to know its network before somebody looks: cameras are there long before their
	// viewers. Without UDP two rounds of STUN have to go unanswered.
	settle = 12 * time.Second
	// patience is how long a page may take to show a picture.
	patience = 20 * time.Second
	// afterRelay is how long a relayed path is watched for an upgrade, afterDirect how long a direct one for a fall.
	afterRelay, afterDirect = 3 * time.Second, time.Second
	// afterLate is how long an upgrade may take once the way is free.
	afterLate = 5 * time.Second
)

// Visit puts device and viewer behind the NATs of a pair, opens the page, and notes what becomes of it. A product that fails
// is a result; an error is the measurement's own.
func (s *Stage) Visit(ctx context.Context, p Pair) (r Result, err error) {
	began := time.Now()
	r = Result{Device: p.Device, Viewer: p.Viewer, Conditions: s.conditions, Theory: Theory(p.Device, p.Viewer, s.conditions)}
	defer func() {
		if err != nil {
			err = fmt.Errorf("device %s, viewer %s: %w", p.Device, p.Viewer, err)
		}
	}()
	if err := s.rig.Town.Rebuild(ctx, p.Device, p.Viewer); err != nil {
		return r, err
	}
	late, err := s.shut(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, late.free(context.WithoutCancel(ctx))) }()
	chromium, err := s.players(ctx)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, chromium.Close(), s.agent.Stop()) }()
	v := visit{stage: s, late: late, result: &r}
	if err := v.run(ctx, chromium); err != nil {
		return r, err
	}
	r.judge()
	r.TookMS = ms(time.Since(began))
	return r, nil
}

// assessed is how an agent says that it knows its network: how the NAT behaves, and whether the router maps ports.
var assessed = regexp.MustCompile(`(?m)msg="network assessed" kind=([^u]|ud).* (mapping|err)=\w`)

// players starts agent and browser, and waits until the agent knows its network.
func (s *Stage) players(ctx context.Context) (*browser.Browser, error) {
	flags := []string{"--log-level", "debug"}
	if !s.conditions.Mapping {
		flags = append(flags, "--port-mapping", "off")
	}
	var chromium *browser.Browser
	g, gctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		before := s.rig.Log.Count(assessed)
		if err := s.agent.Start(ctx, flags...); err != nil {
			return err
		}
		for began := time.Now(); s.rig.Log.Count(assessed) == before && time.Since(began) < settle; {
			if err := pause(gctx, look); err != nil {
				return err
			}
		}
		return nil
	})
	g.Go(func() (err error) {
		chromium, err = s.rig.PrivateBrowser(ctx)
		return err
	})
	if err := g.Wait(); err != nil {
		if chromium != nil {
			err = errors.Join(err, chromium.Close())
		}
		s.agent.Kill()
		return nil, err
	}
	return chromium, nil
}

func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
