package store

import (
	"context"
	"database/sql"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// followPoll is how often the events that other processes have written are looked for. It reads one row of a few bytes per
// project: some 5 ms for ten thousand.
const followPoll = time.Second

// followers wait for events of projects.
type followers struct {
	// mu guards what follows.
	mu sync.Mutex
	// of are the channels of each project, and under the empty one those of all.
	of map[protocol.ProjectID]map[chan struct{}]bool
	// seen are how many events each project had at the last poll; nil before the first with anybody to tell.
	seen map[protocol.ProjectID]uint64
}

// Follow returns a channel that gets a token after events of a project were committed, or of any project if it is empty:
// at once for events of this process, within a second, while Run runs, for those of others. Tokens do not add up, and one
// may come for what has been read already: who follows first and then reads until there is no more has missed nothing.
// Who called calls cancel, once or more often, when it is done; the channel is never closed.
func (s *Store) Follow(project protocol.ProjectID) (news <-chan struct{}, cancel func()) {
	return s.followers.add(project)
}

func (f *followers) add(project protocol.ProjectID) (news <-chan struct{}, cancel func()) {
	c := make(chan struct{}, 1)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.of == nil {
		f.of = map[protocol.ProjectID]map[chan struct{}]bool{}
	}
	if f.of[project] == nil {
		f.of[project] = map[chan struct{}]bool{}
	}
	f.of[project][c] = true
	return c, func() { f.remove(project, c) }
}

func (f *followers) remove(project protocol.ProjectID, c chan struct{}) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.of[project], c)
	if len(f.of[project]) == 0 {
		delete(f.of, project)
	}
}

// tell is called after a commit with the projects that it gave events.
func (f *followers) tell(projects map[protocol.ProjectID]bool) {
	if len(projects) == 0 {
		return
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	for project := range projects {
		f.tellLocked(project)
	}
}

func (f *followers) tellLocked(project protocol.ProjectID) {
	for _, of := range []protocol.ProjectID{project, ""} {
		for c := range f.of[of] {
			select {
			case c <- struct{}{}:
			default: // it has a token that it has not taken
			}
		}
	}
}

// idle reports that nobody follows; what was seen is forgotten then, so that the next to follow hears of everything.
func (f *followers) idle() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.of) > 0 {
		return false
	}
	f.seen = nil
	return true
}

// see takes how many events projects have, and tells of those that have more than at the last poll.
func (f *followers) see(counts []eventCount) {
	f.mu.Lock()
	defer f.mu.Unlock()
	known := f.seen
	f.seen = make(map[protocol.ProjectID]uint64, len(counts))
	for _, c := range counts {
		f.seen[c.project] = c.events
		if c.events != known[c.project] {
			f.tellLocked(c.project)
		}
	}
}

// pollEvents looks for events of other processes until the context ends.
func (s *Store) pollEvents(ctx context.Context) {
	tick := time.NewTicker(followPoll)
	defer tick.Stop()
	failing := false
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if s.followers.idle() {
			continue
		}
		counts, err := all(ctx, s.reader, scanEventCount, `SELECT id, events FROM projects`)
		if err == nil {
			s.followers.see(counts)
		} else if ctx.Err() == nil && !failing {
			s.log.Warn("cannot look for events of other processes", "err", err)
		}
		failing = err != nil
	}
}

// eventCount is how many events a project has ever had.
type eventCount struct {
	project protocol.ProjectID
	events  uint64
}

func scanEventCount(row *sql.Rows) (c eventCount, err error) {
	err = row.Scan(&c.project, &c.events)
	return c, err
}
