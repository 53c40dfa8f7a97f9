//go:build linux

package main

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// eventWriters write at once. A hub has as many sessions and cameras that change at one time.
	eventWriters = 128
	// sessionsBetween is how many sessions there are for each camera that comes or goes: 20 events and one.
	sessionsBetween  = 5
	eventsPerSession = 4
	eventsPerRound   = sessionsBetween*eventsPerSession + 1
)

// eventWriterCrew makes the events of a hub, at a pace.
type eventWriterCrew struct {
	scene  *eventsScene
	begun  time.Time
	rate   float64
	events atomic.Uint64
	rounds atomic.Uint64

	mu    sync.Mutex // guards what follows
	taken []float64
}

func newEventWriters(s *eventsScene, rate float64) *eventWriterCrew {
	return &eventWriterCrew{scene: s, rate: rate}
}

// waits are what the callers of the writes have waited, in milliseconds.
func (w *eventWriterCrew) waits() []float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.taken)
}

// run writes for so long. It keeps the pace from the beginning on: what was late is made up for.
func (w *eventWriterCrew) run(ctx context.Context, long time.Duration) error {
	w.begun = time.Now()
	group, ctx := errgroup.WithContext(ctx)
	for range eventWriters {
		group.Go(func() error {
			for {
				round := w.rounds.Add(1) - 1
				due := w.begun.Add(time.Duration(float64(round*eventsPerRound) / w.rate * float64(time.Second)))
				if due.Sub(w.begun) >= long || time.Since(w.begun) >= long {
					return nil
				}
				if !wait(ctx, time.Until(due)) {
					return ctx.Err()
				}
				if err := w.round(ctx, round); err != nil {
					return err
				}
			}
		})
	}
	return group.Wait()
}

// round is some sessions, and a camera that comes or goes.
func (w *eventWriterCrew) round(ctx context.Context, n uint64) error {
	p := w.scene.projects[n%eventProjects]
	device := p.devices[n/eventProjects%devicesPerProject]
	for range sessionsBetween {
		if err := w.session(ctx, p.id, device); err != nil {
			return err
		}
	}
	change := record.Presence{
		// Who is a generation late changes nothing: each has its own, from the number of the round.
		Device: device, Status: protocol.StatusOnline, Generation: n, At: time.Now(), Since: time.Now(), Transport: protocol.TransportWebSocket,
	}
	if n/(eventProjects*devicesPerProject)%2 == 1 {
		change.Status, change.Transport, change.Cause = protocol.StatusOffline, "", record.CauseLost
	}
	return w.write(1, func() error { return w.scene.records.SavePresence(ctx, []record.Presence{change}) })
}

// session is one viewer's: opened, live on its path, and ended.
func (w *eventWriterCrew) session(ctx context.Context, in protocol.ProjectID, device protocol.DeviceID) error {
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	sessions, now := w.scene.records.Sessions(), time.Now()
	s := record.Session{
		ID: protocol.SessionID(id.String()), Kind: record.SessionLive, Project: in, Device: device, Viewer: "bench", Owner: id[:],
		Rights: []protocol.Right{protocol.RightView}, Media: protocol.Media{Video: true}, Created: now, Expires: now.Add(time.Hour),
	}
	if err := w.write(1, func() error { return sessions.Save(ctx, s) }); err != nil {
		return err
	}
	path := protocol.Path{Kind: protocol.PathDirect, Means: protocol.MeansICE, Local: "host", Remote: "srflx", Protocol: "udp", AfterMS: 80}
	s.Answered, s.Path = now, path
	s.Account = record.Account{
		Version: 1, Kind: path.Kind, Means: path.Means, Numbered: 1,
		Changes: []record.PathChange{{At: now, By: protocol.RoleViewer, Kind: path.Kind, Means: path.Means, Number: 1, Path: path}},
	}
	if err := w.write(2, func() error { return sessions.Save(ctx, s) }); err != nil {
		return err
	}
	s.Ended, s.Reason = now, protocol.ReasonViewerLeft
	return w.write(1, func() error { return sessions.Save(ctx, s) })
}

// write takes the time of a write that tells so many events.
func (w *eventWriterCrew) write(events uint64, do func() error) error {
	began := time.Now()
	if err := do(); err != nil {
		return err
	}
	took := float64(time.Since(began).Microseconds()) / 1000
	w.events.Add(events)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.taken = append(w.taken, took)
	return nil
}
