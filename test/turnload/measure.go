//go:build linux

package turnload

import (
	"context"
	"encoding/binary"
	"errors"
	"runtime"
	"sync/atomic"
	"time"
)

// Result is what a measurement has counted.
type Result struct {
	// Offered are the packets that were sent, Relayed those of them that have arrived.
	Offered, Relayed uint64
	// Took is how long they were sent.
	Took time.Duration
	// P50 and P99 are percentiles of the time from the sending of a burst to the arrival of a packet of it, as the kernel
	// saw that, or a reader of a stream.
	P50, P99 time.Duration
}

// Interval is what to measure.
type Interval struct {
	// WarmUp is how long packets are sent before, Length while they count.
	WarmUp, Length time.Duration
	// Probe is called when what counts begins and when it ends; it may be nil.
	Probe func() error
}

// Measure sends packets and counts what becomes of them. It fails when there are no sessions, a session's socket or
// stream breaks, or ctx ends.
func (l *Load) Measure(ctx context.Context, i Interval) (Result, error) {
	if len(l.list()) == 0 {
		return Result{}, errors.New("measure a load: it has no sessions")
	}
	l.mark = l.mark%255 + 1 // never 0, which is on what does not count
	g := &gauge{mark: l.mark}
	l.gauge.Store(g)
	probe := func() error {
		if i.Probe == nil {
			return nil
		}
		return i.Probe()
	}
	l.busy.Store(true)
	defer l.busy.Store(false)
	const unmarked = 0
	if _, _, err := l.offer(ctx, i.WarmUp, unmarked); err != nil {
		return Result{}, err
	}
	if err := probe(); err != nil {
		return Result{}, err
	}
	offered, took, err := l.offer(ctx, i.Length, g.mark)
	if err != nil {
		return Result{}, err
	}
	if err := probe(); err != nil {
		return Result{}, err
	}
	for deadline := time.Now().Add(flight); err == nil && g.packets.Load() < offered && time.Now().Before(deadline); {
		err = pause(ctx, flight/20)
	}
	return Result{Offered: offered, Relayed: g.packets.Load(), Took: took, P50: g.percentile(50), P99: g.percentile(99)}, err
}

const (
	// pace is the least time between two looks at what is to be sent. With bursts of 1 it sends some at a time, each of
	// another session.
	pace = 100 * time.Microsecond
	// catchUp is how far behind its rate the sender may be and still make up for it: more would be a burst that no camera
	// sends.
	catchUp = 20 * time.Millisecond
)

// offer sends bursts, one session after the other, at the rate of the load, on a thread of its own.
func (l *Load) offer(ctx context.Context, length time.Duration, mark byte) (sent uint64, took time.Duration, err error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	b := newBurst(l.cfg.Size, l.cfg.Burst)
	gap := time.Duration(l.cfg.Burst) * time.Second / time.Duration(l.cfg.PPS)
	start := time.Now()
	due, turn := time.Duration(0), 0
	for ctx.Err() == nil {
		elapsed := time.Since(start)
		if elapsed >= length {
			return sent, elapsed, nil
		}
		due = max(due, elapsed-catchUp)
		sessions := l.list()
		for ; due <= elapsed && len(sessions) > 0; due += gap {
			b.stamp(stamp{now(), mark})
			n, err := sessions[turn%len(sessions)].burst(b)
			if err != nil {
				return sent, elapsed, err
			}
			sent += uint64(n) //nolint:gosec // a count
			turn++
		}
		sleep(max(pace, due-time.Since(start)))
	}
	return sent, time.Since(start), context.Cause(ctx)
}

// burst is what one session sends at a time, in the form of each way.
type burst struct {
	size, count int
	// plain is for peers, framed for clients with UDP.
	plain, framed *outbox
	// stream is for clients with TCP or TLS.
	stream []byte
}

func newBurst(size, count int) *burst {
	framed := make([]byte, channelHeader+size)
	binary.BigEndian.PutUint16(framed, channel)
	binary.BigEndian.PutUint16(framed[2:], uint16(size)) //nolint:gosec // at most MaxSize
	b := &burst{size: size, count: count, plain: newOutbox(make([]byte, size), count), framed: newOutbox(framed, count)}
	padding := make([]byte, (4-size%4)%4)
	for range count {
		b.stream = append(append(b.stream, framed...), padding...)
	}
	return b
}

func (b *burst) stamp(s stamp) {
	s.put(b.plain.payload)
	s.put(b.framed.payload[channelHeader:])
	for i := 0; i < len(b.stream); i += len(b.stream) / b.count {
		s.put(b.stream[i+channelHeader:])
	}
}

// gauge counts the packets of a measurement. Safe for concurrent use.
type gauge struct {
	mark    byte
	packets atomic.Uint64
	// fine counts delays below a millisecond by the microsecond, coarse longer ones by a tenth of a millisecond; the last
	// takes all beyond.
	fine   [1000]atomic.Uint32
	coarse [10_000]atomic.Uint32
}

const coarseness = 100 * time.Microsecond

func (g *gauge) arrived(payload []byte, at int64) {
	s := stampOf(payload)
	if s.mark == 0 || s.mark != g.mark {
		return
	}
	g.packets.Add(1)
	delay := max(time.Duration(at-s.at), 0)
	if n := int(delay / time.Microsecond); n < len(g.fine) {
		g.fine[n].Add(1)
		return
	}
	g.coarse[min(int(delay/coarseness), len(g.coarse)-1)].Add(1)
}

// percentile returns the least delay that at least p percent of the packets did not exceed, to a microsecond, 0 without
// packets.
func (g *gauge) percentile(p uint64) time.Duration {
	rank, seen := (g.packets.Load()*p+99)/100, uint64(0)
	for i := range g.fine {
		if seen += uint64(g.fine[i].Load()); seen >= rank {
			return time.Duration(i) * time.Microsecond
		}
	}
	for i := range g.coarse {
		if seen += uint64(g.coarse[i].Load()); seen >= rank {
			return time.Duration(i) * coarseness
		}
	}
	return time.Duration(len(g.coarse)) * coarseness
}
