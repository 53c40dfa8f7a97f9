//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
)

// drainReport is what `drain --json` prints.
type drainReport struct {
	// PeakAcceptPerS are the most welcomes that came within any second after the restart.
	PeakAcceptPerS int `json:"peak_accept_per_s"`
	// AllBackS is from SIGTERM to the last client's welcome.
	AllBackS float64 `json:"all_back_s"`
	// Differing are the sessions of which an end or the store knows something else than the other end has told.
	Differing int `json:"differing_after_repair"`
}

const drainHelp = `usage: sightline-bench drain [flags]

Stops a server with many links by SIGTERM, which must end with status 0, and starts it again at once with the same port
and data. Three quarters of the links are devices', a quarter viewers', each of them in an answered session with a
device of its own. Clients keep to the slots that goaway gave them, and to Retry-After and back-off where they are
refused. Both ends of each session find another candidate just when they hear the goaway, so that it is lost; state
repair must bring it to the other end, and one more candidate each way must pass afterwards.

peak_accept_per_s are the most welcomes within any second after the restart, as the clients see them; all_back_s is from
SIGTERM to the last welcome.

`

// drainOrder is what the flags of drain ask for.
type drainOrder struct {
	program string
	links   int
	rate    float64
	timeout time.Duration
	json    bool
}

// drain measures how the clients of a server that is restarted come back.
func drain(ctx context.Context, args []string, out, log io.Writer) error {
	var o drainOrder
	flags := flagsOf("drain", drainHelp, log)
	flags.IntVar(&o.links, "links", 2000, "links to open")
	flags.Float64Var(&o.rate, "rate", 500, "the server's --accept-rate")
	flags.StringVar(&o.program, "program", "", "`file` of the server's program (default: sightline beside this one)")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Minute, "give up after this time")
	flags.BoolVar(&o.json, "json", false, "print JSON instead of a table")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.links < 4 || o.links > 100_000 || o.rate < 1 {
		return errors.New("--links is 4 to 100000, --rate at least 1")
	}
	if err := checkFiles(o.links); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, o.timeout, errors.New("the measurement takes longer than --timeout"))
	defer cancel()
	report, err := o.measure(ctx, log)
	if err != nil {
		return because(ctx, err)
	}
	if o.json {
		return json.NewEncoder(out).Encode(report)
	}
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(t, "links\taccept rate\tpeak in a second\tall back\tdiffering sessions\n")
	fmt.Fprintf(t, "%d\t%v/s\t%d\t%.1f s\t%d\n", o.links, o.rate, report.PeakAcceptPerS, report.AllBackS, report.Differing)
	return t.Flush()
}

func (o drainOrder) measure(ctx context.Context, log io.Writer) (report drainReport, err error) {
	rate := strconv.FormatFloat(o.rate, 'f', -1, 64)
	s, err := startServer(ctx, o.program, "--accept-rate", rate)
	if err != nil {
		return report, err
	}
	defer func() { err = errors.Join(err, s.close()) }()
	h, err := gather(ctx, s, o.links, o.rate, log)
	ctx, hangUp := context.WithCancel(ctx)
	defer h.work.Wait()
	defer hangUp()
	if err != nil {
		return report, err
	}
	h.work.Go(func() { h.reportMedia(ctx) })
	for _, c := range h.clients {
		h.work.Go(func() { c.live(ctx) })
	}
	if err := h.openSessions(ctx); err != nil {
		return report, err
	}
	stopped := h.begin()
	if err := s.process.Stop(); err != nil {
		return report, fmt.Errorf("the server ended with %w", err)
	}
	fmt.Fprintf(log, "the server ended after %v\n", time.Since(stopped).Round(time.Millisecond))
	if err := s.again(ctx, "--accept-rate", rate); err != nil {
		return report, err
	}
	fmt.Fprintf(log, "the server is ready again after %v\n", time.Since(stopped).Round(time.Millisecond))
	if err := h.await(ctx); err != nil {
		return report, err
	}
	report.PeakAcceptPerS, report.AllBackS = peak(h.times(), time.Second), math.Round(time.Since(stopped).Seconds()*10)/10
	for _, c := range h.clients {
		c.trickle()
	}
	report.Differing, err = h.differing(ctx, s)
	return report, err
}

// herd are the clients of one server.
type herd struct {
	clients []*returnee
	// pairs are the sessions' two ends: a viewer and its device.
	pairs [][2]*returnee
	// answers gets one value for each session that was answered. It has room for all.
	answers chan struct{}
	// all gets a value when the last client is back.
	all  chan struct{}
	work sync.WaitGroup

	mu    sync.Mutex // guards what follows
	since time.Time  // of the stop; zero before
	back  []time.Time
}

// gather enrols the devices and opens the links.
func gather(ctx context.Context, s *server, links int, perSecond float64, log io.Writer) (*herd, error) {
	viewers := links / 4
	devices := links - viewers
	h := &herd{answers: make(chan struct{}, viewers), all: make(chan struct{}, 1)}
	fmt.Fprintf(log, "enrolling %d devices\n", devices)
	r, err := s.enrol(ctx, devices)
	if err != nil {
		return h, err
	}
	url := s.URL // which stays the same
	for n := range devices {
		h.add(url, n, protocol.RoleDevice, r.devices[n].id, func() ([]byte, error) { return r.hello(protocol.RoleDevice, n, url) })
	}
	for n := range viewers {
		h.add(url, devices+n, protocol.RoleViewer, r.devices[n].id, func() ([]byte, error) { return r.helloTo(n) })
		h.pairs = append(h.pairs, [2]*returnee{h.clients[devices+n], h.clients[n]})
	}
	fmt.Fprintf(log, "opening %d links\n", links)
	c := &crowd{log: log, dial: func(ctx context.Context, n int) (keep func(context.Context) error, err error) {
		h.clients[n].link, err = h.clients[n].dial(ctx)
		return nil, err
	}}
	_, err = c.fill(ctx, links, 0.9*perSecond) // the server would refuse more
	if failed := c.errors.Load(); err == nil && failed > 0 {
		err = fmt.Errorf("%d links could not be opened", failed)
	}
	return h, err
}

func (h *herd) add(url string, n int, role protocol.Role, camera protocol.DeviceID, hello func() ([]byte, error)) {
	c := &returnee{
		role: role, camera: camera, welcomed: h.welcomed,
		dial: func(ctx context.Context) (*endpoint, error) { return dial(ctx, url, sourceOf(n), hello) },
	}
	if role == protocol.RoleViewer {
		c.answered = func() { h.answers <- struct{}{} }
	}
	h.clients = append(h.clients, c)
}

// openSessions returns when each viewer has an answer.
func (h *herd) openSessions(ctx context.Context) error {
	for _, pair := range h.pairs {
		pair[0].open()
	}
	for range h.pairs {
		select {
		case <-h.answers:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

func (h *herd) reportMedia(ctx context.Context) {
	for pause(ctx, mediaInterval) == nil {
		for _, c := range h.clients {
			c.media()
		}
	}
}

// begin says that the server is being stopped.
func (h *herd) begin() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since = time.Now()
	return h.since
}

func (h *herd) welcomed() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.back = append(h.back, time.Now()); len(h.back) == len(h.clients) {
		h.all <- struct{}{}
	}
}

func (h *herd) times() []time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.back)
}

// await returns when all clients are back.
func (h *herd) await(ctx context.Context) error {
	select {
	case <-h.all:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("%d of %d clients are back: %w", len(h.times()), len(h.clients), context.Cause(ctx))
	}
}

// peak is how many of the times, which rise, are in the fullest window.
func peak(times []time.Time, window time.Duration) int {
	most, first := 0, 0
	for i, t := range times {
		for t.Sub(times[first]) >= window {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

const (
	// repairTime is how long state repair may take, compareEvery how often one looks.
	repairTime, compareEvery = 30 * time.Second, 200 * time.Millisecond
)

// differing waits until both ends of each session and the store agree, and returns how many do not in the end.
func (h *herd) differing(ctx context.Context, s *server) (int, error) {
	records, err := store.Open(ctx, s.Data, store.Config{})
	if err != nil {
		return 0, err
	}
	different := 0
	for deadline := time.Now().Add(repairTime); err == nil; {
		if different, err = h.compare(ctx, records); different == 0 || time.Now().After(deadline) {
			break
		}
		err = pause(ctx, compareEvery)
	}
	return different, errors.Join(err, records.Close())
}

func (h *herd) compare(ctx context.Context, records *store.Store) (different int, err error) {
	open, err := records.Sessions().Open(ctx)
	if err != nil {
		return 0, err
	}
	answered := map[protocol.SessionID]bool{}
	for _, row := range open {
		answered[row.ID] = !row.Answered.IsZero()
	}
	for _, pair := range h.pairs {
		if !agree(pair[0], pair[1], answered) {
			different++
		}
	}
	return different + max(0, len(open)-len(h.pairs)), nil
}

func agree(viewer, device *returnee, answered map[protocol.SessionID]bool) bool {
	viewer.mu.Lock()
	defer viewer.mu.Unlock()
	device.mu.Lock()
	defer device.mu.Unlock()
	v, d := viewer.session, device.session
	return v != nil && d != nil && v.id == d.id && answered[v.id] && v.own.equal(d.heard) && d.own.equal(v.heard)
}
