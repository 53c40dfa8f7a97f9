//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/signal"
	"github.com/sightline-rtc/sightline/turn"
)

// quiet is the ping interval of links in memory, whose clients do not answer: none comes due during a measurement. The
// timer costs what it costs with any interval.
const quiet = time.Hour

// unlimited is a rate at which links in memory, which have no address, may come.
const unlimited = 1e6

// household is a hub with a real store and relay in this process.
type household struct {
	records *store.Store
	relay   *turn.Server
	hub     *signal.Hub
}

// inMemory measures the links of a hub in this process, behind a listener in memory.
func (o linksOrder) inMemory(ctx context.Context, log io.Writer) (report linksReport, err error) {
	scratch, err := os.MkdirTemp("", "sightline-bench-")
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	h, err := openHousehold(ctx, filepath.Join(scratch, "data"), signal.Config{
		Link: link.Config{Ping: quiet},
		// A server logs: each client's logger keeps the keys of its lines ready.
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	if err != nil {
		return report, err
	}
	door := listenWires()
	stop := h.serve(ctx, door)
	defer func() { err = errors.Join(err, stop()) }()
	return o.fillHousehold(ctx, h, door, log)
}

// serve runs the household behind a listener until stop, which returns when all of it has ended.
func (h *household) serve(ctx context.Context, listener net.Listener) (stop func() error) {
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	doors := http.NewServeMux()
	doors.Handle(protocol.LinkPath, h.hub)
	doors.HandleFunc(protocol.SendPath, h.hub.ServeSend)
	doors.HandleFunc(protocol.PollPath, h.hub.ServePoll)
	server := &http.Server{Handler: doors, ReadHeaderTimeout: 10 * time.Second}
	var group errgroup.Group
	group.Go(func() error { return h.records.Run(running) })
	group.Go(func() error { return h.relay.Run(running) })
	group.Go(func() error { return h.hub.Run(running) })
	group.Go(func() error { _ = server.Serve(listener); return nil }) // it ends with the listener
	return func() error {
		closed := server.Close()
		cancel()
		return errors.Join(closed, group.Wait(), h.records.Close())
	}
}

// openHousehold joins the parts of a server. The config says what of the hub is not as usual.
func openHousehold(ctx context.Context, dir string, config signal.Config) (h *household, err error) {
	h = &household{}
	if h.records, err = store.Open(ctx, dir, store.Config{}); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, h.records.Close())
		}
	}()
	signing, err := h.records.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	secrets, err := h.records.RelaySecrets(ctx)
	if err != nil {
		return nil, err
	}
	h.relay, err = turn.New(turn.Config{Listen: "127.0.0.1:0", Secrets: secrets, Ledger: h.records, Lookup: h.records.GrantAlive})
	if err != nil {
		return nil, err
	}
	if err := h.relay.Listen(); err != nil {
		return nil, err
	}
	config.Directory, config.Sessions, config.Relay = h.records, h.records.Sessions(), h.relay
	config.Tokens, config.Node = auth.NewKeyring(signing), "bench"
	config.AcceptRate, config.AddressRate = unlimited, unlimited
	h.hub = signal.New(config)
	return h, h.hub.Load(ctx)
}

func (o linksOrder) fillHousehold(ctx context.Context, h *household, door *wires, log io.Writer) (report linksReport, err error) {
	fmt.Fprintf(log, "enrolling %d devices\n", rosterSize(o.role, o.count))
	r, err := newRoster(ctx, h.records, rosterSize(o.role, o.count))
	if err != nil {
		return report, err
	}
	before, err := ownUsage()
	if err != nil {
		return report, err
	}
	fmt.Fprintf(log, "opening %d links\n", o.count)
	c := &crowd{log: log, dial: door.dial(r, o)}
	took, err := c.fill(ctx, o.count, o.rate)
	if err != nil {
		return report, err
	}
	after, err := ownUsage()
	if err != nil {
		return report, err
	}
	if o.profile != "" {
		if err := writeHeap(o.profile); err != nil {
			return report, err
		}
	}
	runtime.KeepAlive(r) // it is in both readings
	return c.report(before, after, took)
}

// dial opens links through the listener. They need no keeping: their client's end does nothing.
func (l *wires) dial(r *roster, o linksOrder) func(context.Context, int) (func(context.Context) error, error) {
	return func(ctx context.Context, n int) (func(context.Context) error, error) {
		hello, err := r.hello(o.role, n, "http://bench")
		if err != nil {
			return nil, err
		}
		greeted := make(chan error, 1)
		var conn net.Conn = newWire(hello, greeted)
		select {
		case l.arriving <- conn:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
		select {
		case err := <-greeted:
			return nil, err
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// ownUsage collects this process's garbage, which is what its server's would be, and reads what is left.
func ownUsage() (footprint, error) {
	for range collections {
		runtime.GC()
	}
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	pages, err := residentPages()
	return footprint{
		live:     float64(m.HeapAlloc + m.StackInuse),
		resident: pages * float64(os.Getpagesize()),
	}, err
}

// residentPages is the second field of statm (proc_pid_statm(5)).
func residentPages() (float64, error) {
	b, err := os.ReadFile("/proc/self/statm")
	if err != nil {
		return 0, err
	}
	var total, resident float64
	_, err = fmt.Sscan(string(b), &total, &resident)
	return resident, err
}

func writeHeap(name string) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(pprof.Lookup("heap").WriteTo(f, 0), f.Close())
}
