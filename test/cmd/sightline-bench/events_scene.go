//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/internal/app"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/postgres"
)

const (
	eventProjects     = 10
	devicesPerProject = 10
	readersPerProject = 2
)

// eventsScene is a whole server in this process, and all who write to its store and read from it.
type eventsScene struct {
	scratch   string
	database  *postgres.Server
	server    *app.Server
	records   *store.Store
	endpoints *endpoints
	projects  []eventProject
	readers   []*eventReader

	running errgroup.Group
	cancel  context.CancelFunc
}

// eventProject is a partner.
type eventProject struct {
	id      protocol.ProjectID
	devices []protocol.DeviceID
}

func openEventsScene(ctx context.Context, o eventsOrder) (s *eventsScene, err error) {
	s = &eventsScene{}
	defer func() {
		if err != nil {
			err = errors.Join(err, s.close())
		}
	}()
	if s.scratch, err = os.MkdirTemp(o.scratch, "sightline-bench-"); err != nil {
		return s, err
	}
	flags := []string{
		"serve", "--listen", "127.0.0.1:0", "--turn-listen", "127.0.0.1:0", "--metrics-listen", "127.0.0.1:0",
		"--data", s.scratch, "--webhook-loopback",
	}
	if o.store == "postgres" {
		if s.database, err = postgres.Start(ctx, true); err != nil {
			return s, err
		}
		name, err := s.database.Create(ctx, "sightline")
		if err != nil {
			return s, err
		}
		flags = append(flags, "--database", name)
	}
	settings, _, _, err := config.Parse(flags, "bench", io.Discard, io.Discard)
	if err != nil {
		return s, err
	}
	// A server logs: it makes the lines, which nobody needs here.
	if s.server, err = app.Open(ctx, settings.Serve, slog.New(slog.NewJSONHandler(io.Discard, nil))); err != nil {
		return s, err
	}
	s.records = s.server.Records()
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	s.cancel = cancel
	s.running.Go(func() error { return s.server.Run(running) })
	if s.endpoints, err = newEndpoints(ctx); err != nil {
		return s, err
	}
	for n := range eventProjects {
		if err := s.addProject(ctx, running, protocol.ProjectID(fmt.Sprintf("partner-%d", n))); err != nil {
			return s, err
		}
	}
	return s, nil
}

// addProject makes a project with its cameras, its backends and its endpoint.
func (s *eventsScene) addProject(ctx, running context.Context, id protocol.ProjectID) error {
	records := s.records
	if _, err := records.CreateProject(ctx, id, ""); err != nil {
		return err
	}
	p := eventProject{id: id}
	for range devicesPerProject {
		device, _, err := records.CreateDevice(ctx, id, "camera", "bench")
		if err != nil {
			return err
		}
		p.devices = append(p.devices, device.ID)
	}
	s.projects = append(s.projects, p)
	kinds := []record.EventKind{record.EventDeviceOnline, record.EventDeviceOffline}
	if _, err := records.CreateWebhook(ctx, id, s.endpoints.add(id), "bench", kinds); err != nil {
		return err
	}
	for range readersPerProject {
		_, key, err := records.CreateKey(ctx, record.Key{Project: id, Name: "bench"})
		if err != nil {
			return err
		}
		r := &eventReader{url: s.server.Ready().URL, key: key, project: id}
		s.readers = append(s.readers, r)
		s.running.Go(func() error { return r.run(running) })
	}
	return nil
}

// settle waits until readers and endpoints have all there is, and counts what they have not.
func (s *eventsScene) settle(ctx context.Context) (lost, disordered uint64, err error) {
	for _, r := range s.readers {
		span, err := s.records.EventSpan(ctx, r.project)
		if err != nil {
			return 0, 0, err
		}
		lost += r.missing(ctx, span.Last)
		disordered += r.disordered.Load()
	}
	for i, p := range s.projects {
		wanted := s.readers[i*readersPerProject].presence.Load()
		lost += s.endpoints.missing(ctx, p.id, wanted)
	}
	return lost, disordered + s.endpoints.disordered.Load(), nil
}

func (s *eventsScene) close() error {
	var errs []error
	if s.cancel != nil {
		s.cancel()
		s.server.Abort() // nobody needs a slow goodbye
	}
	errs = append(errs, s.running.Wait())
	if s.endpoints != nil {
		errs = append(errs, s.endpoints.close())
	}
	if s.database != nil {
		errs = append(errs, s.database.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(s.scratch))...)
}
