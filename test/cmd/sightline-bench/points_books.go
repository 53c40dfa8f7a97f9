//go:build linux

package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// counters are what the relay of the process that settles has counted, as far as it could tell before it was killed.
type counters struct {
	// undoneSessions are those that have not ended; sent and kept are the cumulative counts of allocations.
	undoneSessions map[int]bool
	sent, kept     map[string]uint64
}

func newCounters(sessions int) *counters {
	c := &counters{undoneSessions: make(map[int]bool, sessions), sent: map[string]uint64{}, kept: map[string]uint64{}}
	for n := range sessions {
		c.undoneSessions[n] = true
	}
	return c
}

func (c *counters) left() int { return len(c.undoneSessions) }

// undone lists the sessions that have not ended, one a line.
func (c *counters) undone() string {
	var b strings.Builder
	for n := range c.undoneSessions {
		fmt.Fprintln(&b, n)
	}
	return b.String()
}

// hear takes a line of the process: "sent" and "kept" with an allocation and its count, "done" with a session.
func (c *counters) hear(line [][]byte) error {
	switch {
	case len(line) == 2 && string(line[0]) == "done":
		n, err := strconv.Atoi(string(line[1]))
		delete(c.undoneSessions, n)
		return err
	case len(line) == 3:
		n, err := strconv.ParseUint(string(line[2]), 10, 64)
		counts := c.sent
		if string(line[0]) == "kept" {
			counts = c.kept
		}
		counts[string(line[1])] = n
		return err
	}
	return fmt.Errorf("the process that settles said %q", line)
}

// difference is by how much what the ledger has of an allocation is not what was counted. A count that was sent and not
// answered may have been kept or not.
func (c *counters) difference(allocation string, ledger uint64) uint64 {
	kept, sent := c.kept[allocation], c.sent[allocation]
	if ledger == kept || ledger == sent {
		return 0
	}
	return max(ledger, kept) - min(ledger, kept)
}

// audit reads the whole ledger, after everything that was held has come back.
func (o pointsOrder) audit(ctx context.Context, at pointsPlace, counters *counters, r *pointsReport) error {
	s, err := at.open(ctx, func() time.Time { return time.Now().Add(time.Hour) })
	if err != nil {
		return err
	}
	defer func() { _ = s.Close() }()
	if err := s.Expire(ctx); err != nil {
		return err
	}
	settled := map[string]uint64{}
	for n := range o.projects {
		if err := r.auditProject(ctx, s, pointsProject(n), settled); err != nil {
			return err
		}
	}
	for allocation := range counters.sent {
		r.LedgerMinusCounters += counters.difference(allocation, settled[allocation])
	}
	return nil
}

func (r *pointsReport) auditProject(ctx context.Context, s *store.Store, id protocol.ProjectID, settled map[string]uint64) error {
	plan, err := s.Plan(ctx, id)
	if err != nil {
		return err
	}
	var sum, held record.Points
	var bytes uint64
	for cursor := ""; ; {
		list, next, err := s.Entries(ctx, id, record.EntryFilter{}, cursor, 0)
		if err != nil {
			return err
		}
		for _, e := range list {
			sum, held = sum+e.Amount, held+e.Held
			r.absorbed += e.Absorbed
			if e.Balance < 0 {
				r.NegativeBalances++
			}
			if e.Kind == record.EntrySettle {
				settled[e.Allocation] += e.Bytes
				bytes += e.Bytes
				r.spent -= e.Amount
			}
		}
		r.entries += len(list)
		if cursor = next; next == "" {
			break
		}
	}
	r.settled += bytes
	r.LedgerMinusCounters += max(bytes, plan.UsedBytes) - min(bytes, plan.UsedBytes)
	if sum != plan.Purse.Balance {
		r.unbalanced++
	}
	if held != 0 || plan.Purse.Held != 0 {
		r.held++
	}
	if plan.Exhausted() {
		r.exhausted++
	}
	return nil
}
