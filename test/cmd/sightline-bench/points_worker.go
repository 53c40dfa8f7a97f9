//go:build linux

package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/turn"
)

const (
	// pointsCommand makes this program the process that settles, pointsPlaceVariable tells it where.
	pointsCommand       = "points-worker"
	pointsPlaceVariable = "SIGHTLINE_BENCH_POINTS"
	// pointsAtOnce is how many sessions run at once.
	pointsAtOnce = 64
	// pointsCounts is how often a session is counted, at most.
	pointsCounts = 8
	// pointsInterval is what a session carries between two counts at most: 10 s at 2.4 Mbit/s.
	pointsInterval = 3_000_000
)

// pointsWorker runs sessions whose relay stays within what the ledger allows it.
type pointsWorker struct {
	store      *store.Store
	projects   int
	generation string

	// mu guards out.
	mu  sync.Mutex
	out io.Writer
}

// servePoints runs the sessions that are named on in, of so many projects, in the process's nth life.
func servePoints(ctx context.Context, args []string, in io.Reader, out io.Writer) (err error) {
	if len(args) != 2 {
		return errors.New("how many projects, and which life?")
	}
	w := &pointsWorker{generation: args[1], out: out}
	if w.projects, err = strconv.Atoi(args[0]); err != nil {
		return err
	}
	var at pointsPlace
	if err := json.Unmarshal([]byte(os.Getenv(pointsPlaceVariable)), &at); err != nil {
		return err
	}
	if w.store, err = at.open(ctx, nil); err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.store.Close()) }()
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(pointsAtOnce)
	for lines := bufio.NewScanner(in); lines.Scan() && ctx.Err() == nil; {
		n, err := strconv.Atoi(lines.Text())
		if err != nil {
			return errors.Join(err, group.Wait())
		}
		group.Go(func() error { return w.session(ctx, n) })
	}
	return group.Wait()
}

// say tells the parent, which knows what was said even if it kills this process in the next moment.
func (w *pointsWorker) say(format string, args ...any) {
	w.mu.Lock()
	defer w.mu.Unlock()
	_, _ = fmt.Fprintf(w.out, format+"\n", args...)
}

// session carries what it may between two counts. Some counts are told twice, and some sessions are never ended.
func (w *pointsWorker) session(ctx context.Context, n int) error {
	name := fmt.Sprintf("s%d-%s", n, w.generation)
	now := time.Now().UTC()
	u := record.Usage{
		Allocation: name, Grant: protocol.GrantID(name), Project: pointsProject(n % w.projects),
		Role: protocol.RoleViewer, Transport: "udp", Started: now, Updated: now,
	}
	allowed, err := w.count(ctx, u)
	if err != nil {
		return err
	}
	for range 1 + rand.IntN(pointsCounts) {
		carried := u.Traffic.UpBytes
		if room := allowed - min(allowed, carried); room > 0 {
			u.Traffic.UpBytes += rand.Uint64N(min(room, pointsInterval) + 1)
		}
		u.Updated = u.Updated.Add(turn.DefaultUsageInterval) // nobody waits for it
		if allowed, err = w.count(ctx, u); err != nil {
			return err
		}
		if rand.IntN(10) == 0 {
			if allowed, err = w.count(ctx, u); err != nil {
				return err
			}
		}
	}
	if rand.IntN(20) > 0 {
		u.Ended = u.Updated
		if _, err := w.count(ctx, u); err != nil {
			return err
		}
	}
	w.say("done %d", n)
	return nil
}

// count settles and returns what the allocation may carry in all.
func (w *pointsWorker) count(ctx context.Context, u record.Usage) (uint64, error) {
	w.say("sent %s %d", u.Allocation, u.Traffic.UpBytes)
	allowed, err := w.store.Settle(ctx, []record.Usage{u})
	if err != nil {
		return 0, err
	}
	w.say("kept %s %d", u.Allocation, u.Traffic.UpBytes)
	if len(allowed) == 0 {
		return u.Traffic.UpBytes, nil
	}
	return allowed[0].Bytes, nil
}
