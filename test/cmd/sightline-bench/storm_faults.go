//go:build linux

package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// fault does something bad to a client's network and reports whether that broke a connection.
type fault struct {
	name   string
	weight int
	do     func(ctx context.Context, e *stormEnd, random *rand.Rand) bool
}

var stormFaults = []fault{
	{"reset", 25, func(_ context.Context, e *stormEnd, _ *rand.Rand) bool { return e.net.Reset() > 0 }},
	{"close", 15, func(_ context.Context, e *stormEnd, _ *rand.Rand) bool { return e.net.Finish() > 0 }},
	{"half", 15, func(_ context.Context, e *stormEnd, random *rand.Rand) bool {
		return e.net.FinishHalf(random.IntN(2) == 0) > 0
	}},
	{"stall and reset", 10, func(ctx context.Context, e *stormEnd, random *rand.Rand) bool {
		d := between(random, 50*time.Millisecond, 700*time.Millisecond)
		e.net.Stall(d)
		return wait(ctx, d/2) && e.net.Reset() > 0 // what was held is lost
	}},
	{"stall", 5, func(_ context.Context, e *stormEnd, random *rand.Rand) bool {
		e.net.Stall(between(random, 50*time.Millisecond, 1500*time.Millisecond))
		return false
	}},
	{"delay", 5, func(_ context.Context, e *stormEnd, random *rand.Rand) bool {
		e.net.Delay(between(random, -40*time.Millisecond, 40*time.Millisecond)) // half of the time none
		return false
	}},
	{"repeat", 8, func(_ context.Context, e *stormEnd, random *rand.Rand) bool {
		return e.net.Replay(between(random, 0, 300*time.Millisecond)) > 0 && random.IntN(4) == 0 && e.net.Reset() > 0
	}},
	{"no websocket", 5, func(ctx context.Context, e *stormEnd, random *rand.Rand) bool {
		broke := e.net.Block() > 0
		wait(ctx, between(random, 200*time.Millisecond, 2*time.Second))
		e.net.Unblock()
		return broke
	}},
	{"proxy away", 5, func(ctx context.Context, e *stormEnd, random *rand.Rand) bool {
		broke := e.net.Reset() > 0
		_ = e.net.Hide() // what is closed already is hidden
		wait(ctx, between(random, 20*time.Millisecond, 500*time.Millisecond))
		return e.net.Listen() == nil && broke
	}},
	{"change of door", 7, func(_ context.Context, e *stormEnd, random *rand.Rand) bool {
		e.link.Use([]protocol.Transport{protocol.TransportWebSocket, protocol.TransportLongPoll}[random.IntN(2)])
		return false
	}},
}

func between(random *rand.Rand, least, most time.Duration) time.Duration {
	return least + time.Duration(random.Int64N(int64(most-least)))
}

// wait waits, and reports false when the context ends.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}

// duration is how long the storm would take if no message were late.
func (o chaosOrder) duration() time.Duration {
	return time.Duration(float64(o.messages) / (2 * float64(o.sessions) * stormPerSecond) * float64(time.Second))
}

// minStormPause is between two faults of a network on average at least: its link would have no time for a message.
const minStormPause = 400 * time.Millisecond

// trouble does bad things to a client's network until the storm has had all its cuts.
func (st *storm) trouble(ctx context.Context, e *stormEnd, random *rand.Rand) {
	perEnd := float64(st.order.cuts) / float64(len(st.ends))
	pause := time.Duration(float64(st.order.duration()) / max(perEnd, 1))
	pause = max(pause*7/10, minStormPause) // three faults in ten break nothing
	total := 0
	for _, f := range stormFaults {
		total += f.weight
	}
	for st.cuts.Load() < int64(st.order.cuts) && wait(ctx, between(random, pause/4, pause*5/4)) {
		if st.claimed.Add(1) > int64(st.order.cuts) {
			st.claimed.Add(-1) // others are at the last ones
			continue
		}
		pick, n := random.IntN(total), 0
		for pick >= stormFaults[n].weight {
			pick -= stormFaults[n].weight
			n++
		}
		st.troubles[n].Add(1)
		if stormFaults[n].do(ctx, e, random) {
			st.cuts.Add(1)
		} else {
			st.claimed.Add(-1)
		}
	}
}

// restart kills the server now and then and starts it again: it then knows no link, but the sessions.
func (st *storm) restart(ctx context.Context, s *server) error {
	n := st.order.restarts
	for range n {
		if !wait(ctx, st.order.duration()/time.Duration(n+1)) {
			return nil
		}
		s.process.Kill()
		if err := s.again(ctx, chaosFlags...); err != nil {
			return fmt.Errorf("start the server again: %w", err)
		}
	}
	return nil
}
