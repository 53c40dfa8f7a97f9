//go:build linux

package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/postgres"
)

const pointsHelp = `usage: sightline-bench points [flags]

Sessions of projects that pay with points reserve and settle at once, in a process that is killed on the way. At the end it
compares each project's balance with the sum of its ledger, and the ledger with what the relay had counted.

`

// pointsOrder says how points are measured.
type pointsOrder struct {
	projects, sessions, kills int
	store                     string
	json                      bool
}

// pointsReport is what was found.
type pointsReport struct {
	// NegativeBalances were seen while sessions ran, or are in the ledger.
	NegativeBalances int `json:"negative_balances"`
	// LedgerMinusCounters is the sum over all allocations of how much the two differ, in bytes.
	LedgerMinusCounters uint64 `json:"ledger_minus_counters"`

	points, spent, absorbed record.Points
	settled                 uint64
	entries, kills          int
	unbalanced, held        int // projects
	exhausted               int
	took                    time.Duration
}

func points(ctx context.Context, args []string, out, log io.Writer) (err error) {
	o := pointsOrder{}
	flags := flagsOf("points", pointsHelp, log)
	flags.IntVar(&o.projects, "projects", 50, "projects")
	flags.IntVar(&o.sessions, "sessions", 2000, "sessions of all of them")
	flags.IntVar(&o.kills, "kills", 5, "how often the process that settles is killed")
	flags.StringVar(&o.store, "store", "sqlite", "sqlite, or postgres: one of the bench's own")
	flags.BoolVar(&o.json, "json", false, "print JSON")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.projects < 1 || o.sessions < 1 || o.kills < 0 || flags.NArg() > 0 {
		return errors.New("points: at least one project and one session")
	}
	scratch, err := os.MkdirTemp("", "sightline-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	at := pointsPlace{Dir: filepath.Join(scratch, "data")}
	switch o.store {
	case "sqlite":
	case "postgres":
		server, err := postgres.Start(ctx, true)
		if err != nil {
			return err
		}
		defer func() { _ = server.Close() }()
		if at.Database, err = server.Create(ctx, "points"); err != nil {
			return err
		}
	default:
		return fmt.Errorf("points: there is no store %q", o.store)
	}
	report, err := o.measure(ctx, at, log)
	if err != nil {
		return err
	}
	return report.print(o, out)
}

func (r *pointsReport) print(o pointsOrder, out io.Writer) error {
	if o.json {
		return json.NewEncoder(out).Encode(r)
	}
	_, err := fmt.Fprintf(out, `%d sessions of %d projects on %s in %v, killed %d times
  negative balances      %d
  ledger minus counters  %d bytes, of %d settled in %d entries
  points                 %.0f given, %.0f spent, %.6f absorbed
  projects               %d used up, %d whose balance is not the sum of their ledger, %d with something held for ever
`, o.sessions, o.projects, o.store, r.took.Round(time.Millisecond), r.kills, r.NegativeBalances, r.LedgerMinusCounters, r.settled, r.entries,
		r.points.Float(), r.spent.Float(), r.absorbed.Float(), r.exhausted, r.unbalanced, r.held)
	return err
}

// pointsPlace is where the records are, as the process that settles is told.
type pointsPlace struct{ Dir, Database string }

func (p pointsPlace) open(ctx context.Context, now func() time.Time) (*store.Store, error) {
	return store.Open(ctx, p.Dir, store.Config{Database: auth.NewSecret(p.Database), Now: now})
}

func pointsProject(n int) protocol.ProjectID { return protocol.ProjectID(fmt.Sprintf("p%d", n)) }

func (o pointsOrder) measure(ctx context.Context, at pointsPlace, log io.Writer) (*pointsReport, error) {
	s, err := at.open(ctx, nil)
	if err != nil {
		return nil, err
	}
	defer func() { _ = s.Close() }()
	report := &pointsReport{}
	// Sessions want some 6 points on average, and many projects have fewer.
	share := 6 * float64(o.sessions) / float64(o.projects)
	for n := range o.projects {
		if _, err := s.CreateProject(ctx, pointsProject(n), ""); err != nil {
			return nil, err
		}
		amount := record.PointsOf(share * (0.2 + 1.2*rand.Float64()))
		if _, err := s.AddPoints(ctx, pointsProject(n), amount, "bench", ""); err != nil {
			return nil, err
		}
		report.points += amount
	}
	began := time.Now()
	counters := newCounters(o.sessions)
	watching, stop := context.WithCancel(ctx)
	var watch sync.WaitGroup
	watch.Go(func() { report.NegativeBalances += watchBalances(watching, s) })
	for counters.left() > 0 && err == nil {
		err = o.round(ctx, at, counters, report, log)
	}
	stop()
	watch.Wait()
	if err != nil {
		return nil, err
	}
	report.took = time.Since(began)
	return report, o.audit(ctx, at, counters, report)
}

// round runs what is left of the sessions in a process of its own, and kills that when its time has come.
func (o pointsOrder) round(ctx context.Context, at pointsPlace, counters *counters, report *pointsReport, log io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	child := exec.CommandContext(ctx, self, pointsCommand, fmt.Sprint(o.projects), fmt.Sprint(report.kills))
	where, err := json.Marshal(at)
	if err != nil {
		return err
	}
	child.Env = append(os.Environ(), pointsPlaceVariable+"="+string(where))
	child.Stdin, child.Stderr = strings.NewReader(counters.undone()), log
	lines, err := child.StdoutPipe()
	if err != nil {
		return err
	}
	if err := child.Start(); err != nil {
		return err
	}
	killAt := 0 // of the sessions that are left
	if report.kills < o.kills {
		killAt = o.sessions * (o.kills - report.kills) / (o.kills + 1)
	}
	killed := false
	for scan := bufio.NewScanner(lines); scan.Scan(); {
		if err := counters.hear(bytes.Fields(scan.Bytes())); err != nil {
			return errors.Join(err, child.Process.Kill(), child.Wait())
		}
		if !killed && killAt > 0 && counters.left() <= killAt {
			killed = true
			_ = child.Process.Kill() // what it has said until then is still read
		}
	}
	err = child.Wait()
	if killed {
		report.kills++
		fmt.Fprintf(log, "killed with %d sessions left\n", counters.left())
		return ctx.Err()
	}
	return err
}

// watchBalances counts the balances below zero that it sees until the context ends.
func watchBalances(ctx context.Context, s *store.Store) (negative int) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return negative
		case <-tick.C:
			plans, err := s.Plans(ctx)
			if err != nil {
				continue // it ends, or the next look sees
			}
			for _, p := range plans {
				if w := p.Purse; w.Balance < 0 || w.Held < 0 || w.Held > w.Balance {
					negative++
				}
			}
		}
	}
}
