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
	"github.com/sightline-rtc/sightline/signal"
	"github.com/sightline-rtc/sightline/turn"
)

// quiet is the ping interval of links in memory, whose clients do not answer: none comes due during a measurement. The
// timer costs what it costs with any interval.
const quiet = time.Hour

// household is a hub with a real store and relay in this process, behind a listener in memory.
type household struct {
	records *store.Store
	relay   *turn.Server
	hub     *signal.Hub
	door    *wires
	http    *http.Server
}

// inMemory measures the links of a hub in this process.
func (o linksOrder) inMemory(ctx context.Context, log io.Writer) (report linksReport, err error) {
	scratch, err := os.MkdirTemp("", "sightline-bench-")
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	h, err := openHousehold(ctx, filepath.Join(scratch, "data"))
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, h.records.Close()) }()
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	var group errgroup.Group
	group.Go(func() error { return h.relay.Run(running) })
	group.Go(func() error { return h.hub.Run(running) })
	group.Go(func() error { _ = h.http.Serve(h.door); return nil }) // it ends with the door
	defer func() {
		_ = h.http.Close()
		stop()
		err = errors.Join(err, group.Wait())
	}()
	return o.fillHousehold(ctx, h, log)
}

func openHousehold(ctx context.Context, dir string) (h *household, err error) {
	h = &household{door: listenWires()}
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
	h.hub = signal.New(signal.Config{
		Directory: h.records, Sessions: h.records.Sessions(), Relay: h.relay, Tokens: auth.NewKeyring(signing),
		Node: "bench", Link: link.Config{Ping: quiet},
		// A server logs: each client's logger keeps the keys of its lines ready.
		Logger: slog.New(slog.NewTextHandler(io.Discard, nil)),
	})
	h.http = &http.Server{Handler: h.hub, ReadHeaderTimeout: 10 * time.Second}
	return h, h.hub.Load(ctx)
}

func (o linksOrder) fillHousehold(ctx context.Context, h *household, log io.Writer) (report linksReport, err error) {
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
	c := &crowd{log: log, dial: h.dial(r, o)}
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
func (h *household) dial(r *roster, o linksOrder) func(context.Context, int) (func(context.Context) error, error) {
	return func(ctx context.Context, n int) (func(context.Context) error, error) {
		hello, err := r.hello(o.role, n, "http://bench")
		if err != nil {
			return nil, err
		}
		greeted := make(chan error, 1)
		var conn net.Conn = newWire(hello, greeted)
		select {
		case h.door.arriving <- conn:
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
