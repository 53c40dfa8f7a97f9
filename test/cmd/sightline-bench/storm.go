//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/chaosproxy"
)

// sessionsPerStormDevice is how many viewers look at each device.
const sessionsPerStormDevice = 2

// storm is a server with clients on bad networks.
type storm struct {
	order chaosOrder
	ends  []*stormEnd
	pairs []*stormPair
	work  sync.WaitGroup

	// cuts were made, claimed are those and the ones that are being made; sent are the messages that were claimed.
	cuts, claimed, sent atomic.Int64
	troubles            []atomic.Int64 // by their place in stormFaults
}

// gatherStorm makes the clients, which do nothing yet, and opens their networks.
func gatherStorm(ctx context.Context, s *server, o chaosOrder) (*storm, error) {
	devices := (o.sessions + sessionsPerStormDevice - 1) / sessionsPerStormDevice
	r, err := s.enrol(ctx, devices)
	if err != nil {
		return nil, err
	}
	st := &storm{order: o, troubles: make([]atomic.Int64, len(stormFaults))}
	for d := range devices {
		device, err := st.join(s.URL, r, protocol.RoleDevice, d)
		if err != nil {
			return nil, errors.Join(err, st.close())
		}
		for range min(sessionsPerStormDevice, o.sessions-len(st.pairs)) {
			viewer, err := st.join(s.URL, r, protocol.RoleViewer, d)
			if err != nil {
				return nil, errors.Join(err, st.close())
			}
			p := &stormPair{id: newSessionID(), ends: [2]*stormEnd{viewer, device}}
			viewer.pairs[p.id], device.pairs[p.id] = p, p
			st.pairs = append(st.pairs, p)
		}
	}
	return st, nil
}

// join makes a client of the d-th device and its network.
func (st *storm) join(server string, r *roster, role protocol.Role, d int) (*stormEnd, error) {
	n := len(st.ends)
	e := &stormEnd{
		role: role, camera: r.devices[d].id, sessions: map[protocol.SessionID]*stormHalf{},
		pairs: map[protocol.SessionID]*stormPair{},
		net: chaosproxy.New(chaosproxy.Config{
			Target: strings.TrimPrefix(server, "http://"),
			Source: netip.AddrFrom4([4]byte{127, 0, byte(1 + n/250), byte(2 + n%250)}),
		}),
	}
	st.ends = append(st.ends, e)
	if err := e.net.Listen(); err != nil {
		return nil, err
	}
	of := d
	if role == protocol.RoleViewer {
		of = d * viewersPerDevice
	}
	var err error
	e.link, err = uplink.New(uplink.Config{
		Hub: &url.URL{Scheme: "http", Host: e.net.Address()}, Handler: e,
		Hello: func(time.Time) (*protocol.Hello, error) {
			token, err := r.token(role, of, server)
			return &protocol.Hello{
				Version: protocol.Version, Role: role, Token: token, Client: protocol.Client{Name: "sightline-bench"},
			}, err
		},
		// Everything that waits for a person or a network in real life is short.
		Probes: []time.Duration{500 * time.Millisecond, 2 * time.Second}, NetworkInterval: -1,
		Link:        link.Config{Grace: 2 * time.Second},
		DialTimeout: 3 * time.Second, HelloTimeout: 2 * time.Second,
		MinBackoff: 20 * time.Millisecond, MaxBackoff: 500 * time.Millisecond, RefusedBackoff: time.Second,
		SteadyAfter: 2 * time.Second,
	})
	return e, err
}

// begin keeps the links up until the context ends.
func (st *storm) begin(ctx context.Context) {
	for _, e := range st.ends {
		st.work.Go(func() { e.link.Run(ctx) })
		st.work.Go(func() { e.reportMedia(ctx) })
	}
}

// close ends the networks, after the context of begin has ended.
func (st *storm) close() error {
	st.work.Wait()
	var errs []error
	for _, e := range st.ends {
		errs = append(errs, e.net.Close())
	}
	return errors.Join(errs...)
}

// open opens all sessions and waits for their answers.
func (st *storm) open(ctx context.Context) error {
	if err := until(ctx, time.Minute, func() bool { return st.all(func(e *stormEnd) bool { return e.lives.Load() > 0 }) }); err != nil {
		return fmt.Errorf("open links: %w", err)
	}
	for _, p := range st.pairs {
		v, d := p.ends[0], p.ends[1]
		d.link.Carries(1)
		h := newStormHalf(p.id)
		h.owner = secret()
		v.mu.Lock()
		v.sessions[p.id] = h
		open := v.askLocked(h)
		v.mu.Unlock()
		v.send([]protocol.Envelope{open})
	}
	ready := func() bool {
		for _, p := range st.pairs {
			if !p.ready() {
				return false
			}
		}
		return true
	}
	if err := until(ctx, time.Minute, ready); err != nil {
		return fmt.Errorf("open sessions: %w", err)
	}
	return nil
}

func (st *storm) all(ok func(*stormEnd) bool) bool {
	for _, e := range st.ends {
		if !ok(e) {
			return false
		}
	}
	return true
}

// errNotReached says that something did not come in its time.
var errNotReached = errors.New("it takes too long")

// until waits for a state.
func until(ctx context.Context, patience time.Duration, reached func() bool) error {
	ticker := time.NewTicker(50 * time.Millisecond)
	defer ticker.Stop()
	for deadline := time.Now().Add(patience); !reached(); {
		if time.Now().After(deadline) {
			return errNotReached
		}
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// rage breaks and sends what the order says.
func (st *storm) rage(ctx context.Context, s *server) error {
	ctx, over := context.WithCancelCause(ctx)
	defer over(nil)
	var faults, talks sync.WaitGroup
	for n, e := range st.ends {
		random := rand.New(rand.NewPCG(st.order.seed, uint64(n))) //nolint:gosec // a repeatable choice is wanted
		faults.Go(func() { st.trouble(ctx, e, random) })
	}
	for _, p := range st.pairs {
		for from := range p.ends {
			talks.Go(func() { p.talk(ctx, from, st.claimMessage) })
		}
	}
	faults.Go(func() {
		if err := st.restart(ctx, s); err != nil {
			over(err)
		}
	})
	talks.Wait()
	faults.Wait()
	return context.Cause(ctx)
}

// claimMessage takes one of the messages that are still to be sent.
func (st *storm) claimMessage() bool { return st.sent.Add(1) <= int64(st.order.messages) }

// rest lets all come to rest and waits until both ends of every session know the same. What differs then is lost.
func (st *storm) rest(ctx context.Context, log io.Writer) error {
	for _, e := range st.ends {
		e.net.Unblock()
		e.net.Delay(0)
	}
	settled := func() bool {
		for _, p := range st.pairs {
			if !p.settled() {
				return false
			}
		}
		return true
	}
	start := time.Now()
	err := until(ctx, stormPatience, settled)
	if errors.Is(err, errNotReached) {
		err = nil // the report has it
	}
	fmt.Fprintf(log, "what was on its way took %v to come\n", time.Since(start).Round(100*time.Millisecond))
	for n, f := range stormFaults {
		fmt.Fprintf(log, "%6d × %s\n", st.troubles[n].Load(), f.name)
	}
	for _, transport := range []protocol.Transport{protocol.TransportWebSocket, protocol.TransportLongPoll} {
		welcomes := int64(0)
		for _, e := range st.ends {
			welcomes += e.welcomes(transport).Load()
		}
		fmt.Fprintf(log, "%6d welcomes by %s\n", welcomes, transport)
	}
	for _, p := range st.pairs {
		err = errors.Join(err, p.ended())
	}
	return err
}

// stormPatience is more than a dead socket may go unnoticed (20 s and 8 s), twice.
const stormPatience = time.Minute

func (st *storm) report() chaosReport {
	r := chaosReport{Cuts: int(st.cuts.Load())}
	for _, p := range st.pairs {
		p.add(&r)
	}
	for _, e := range st.ends {
		r.Unresumed += int(e.lives.Load()) - 1
	}
	return r
}
