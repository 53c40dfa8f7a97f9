//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/test/soak"
	"github.com/sightline-rtc/sightline/test/turnload"
)

// TestALongLoadIsCountedExactlyAndLeavesNothing loads the real server while sessions come and go, half of them down and
// half up: for ten minutes at 20,000 packets a second when it soaks. Only then does loss count, on a machine that does
// nothing else.
func TestALongLoadIsCountedExactlyAndLeavesNothing(t *testing.T) {
	needLab(t)
	s, err := buildStage(t.Context(), loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer s.lab.Close()
	scratch := t.TempDir()
	certificate, err := selfSigned(scratch, s.address)
	if err != nil {
		t.Fatal(err)
	}
	o := compareOrder{program: program, sessions: soak.Count(10, 50)}
	r, err := o.startOurs(t.Context(), s, scratch, certificate)
	if err != nil {
		t.Fatal(err)
	}
	defer r.stop()
	load := s.load
	load.Server, load.PPS = r.at[turnload.UDP], soak.Count(2000, 20_000)

	c := &comers{rival: r, count: o.sessions}
	c.run(t, load, soak.Duration(time.Second, 10*time.Second)) // buffers and pools fill
	before := c.hold(t)
	result := c.run(t, load, soak.Duration(5*time.Second, 10*time.Minute))
	after := c.hold(t)
	for deadline := time.Now().Add(10 * time.Second); after.sockets > before.sockets && time.Now().Before(deadline); {
		<-time.After(50 * time.Millisecond) // the server closes the last sockets
		after = c.hold(t)
	}
	loss := 1 - float64(result.Relayed)/float64(result.Offered)
	t.Logf("%d sessions came and went; %d packets, %.4f %% lost; before: %+v; after: %+v", len(c.all), result.Offered, 100*loss, before, after)
	if soak.On() && loss > 0.001 {
		t.Errorf("lost %.3f %%, want at most 0.1", 100*loss)
	}
	if after.sockets > before.sockets || after.resident > before.resident*5/4+(8<<20) {
		t.Errorf("got %+v after, want what there was before: %+v", after, before)
	}
	if err := r.process.Stop(); err != nil {
		t.Fatal(err)
	}
	compareLedger(t, filepath.Join(scratch, "data"), c.all)
}

// comers are sessions that come and go.
type comers struct {
	rival *rival
	count int
	// all are those of all runs.
	all []*turnload.Session
}

// turnover is how long it takes until one session has gone and another has come.
const turnover = 250 * time.Millisecond

// run loads the server with as many sessions as there are credentials, and one more while another goes.
func (c *comers) run(t *testing.T, load turnload.Config, length time.Duration) (result turnload.Result) {
	t.Helper()
	err := turnload.Run(t.Context(), load, func(ctx context.Context, l *turnload.Load) error {
		var open []*turnload.Session
		add := func() error {
			s, err := l.Add(ctx, c.rival.credentials[len(c.all)%c.count], len(c.all)%2 == 0)
			if err != nil {
				return err
			}
			open, c.all = append(open, s), append(c.all, s)
			return nil
		}
		for range c.count {
			if err := add(); err != nil {
				return err
			}
		}
		var group errgroup.Group
		done := make(chan struct{})
		group.Go(func() error {
			for {
				select {
				case <-done:
					return l.Remove(ctx, open...)
				case <-time.After(turnover):
				}
				if err := add(); err != nil {
					return err
				}
				if err := l.Remove(ctx, open[0]); err != nil {
					return err
				}
				open = open[1:]
			}
		})
		var err error
		result, err = l.Measure(ctx, turnload.Interval{Length: length})
		close(done)
		if err := group.Wait(); err != nil {
			return err
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return result
}

// serverHoldings are what a server has of what can leak under load.
type serverHoldings struct {
	sockets  int
	resident float64
}

func (c *comers) hold(t *testing.T) (h serverHoldings) {
	t.Helper()
	descriptors, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", c.rival.pid))
	if err != nil {
		t.Fatal(err)
	}
	for _, descriptor := range descriptors {
		if name, err := os.Readlink(descriptor); err == nil && strings.HasPrefix(name, "socket:") {
			h.sockets++
		}
	}
	if h.resident, err = residentMemory(c.rival.pid); err != nil {
		t.Fatal(err)
	}
	return h
}

// compareLedger checks each session's record: what its clients received, or sent, has been carried and no more than what was
// sent has. Without loss that is one number.
func compareLedger(t *testing.T, data string, all []*turnload.Session) {
	t.Helper()
	records, err := store.Open(t.Context(), data, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer records.Close()
	list, _, err := records.Sessions().List(t.Context(), protocol.DefaultProject, record.SessionFilter{}, "", 100)
	if err != nil {
		t.Fatal(err)
	}
	carried := map[protocol.GrantID]record.Traffic{}
	for _, s := range list {
		carried[s.ViewerGrant] = s.Relayed
	}
	sent, received := map[protocol.GrantID]record.Traffic{}, map[protocol.GrantID]record.Traffic{}
	for _, s := range all {
		grant := grantOf(s.Username)
		sent[grant] = plus(sent[grant], s.Up, s.Sent())
		received[grant] = plus(received[grant], s.Up, s.Received())
	}
	exact := 0
	for grant, most := range sent {
		got, least := carried[grant], received[grant]
		if !within(least.UpPackets, got.UpPackets, most.UpPackets) || !within(least.UpBytes, got.UpBytes, most.UpBytes) ||
			!within(least.DownPackets, got.DownPackets, most.DownPackets) || !within(least.DownBytes, got.DownBytes, most.DownBytes) {
			t.Errorf("the ledger has %+v; sent were %+v, received %+v", got, most, least)
		}
		if least == most {
			exact++
		}
	}
	t.Logf("%d of %d records are of sessions without loss", exact, len(sent))
}

// grantOf reads a username, which is `<unix expiry>:<kid>.<grant>.<role>`.
func grantOf(username string) protocol.GrantID {
	parts := strings.Split(username, ".")
	return protocol.GrantID(parts[1])
}

func plus(t record.Traffic, up bool, c turnload.Count) record.Traffic {
	if up {
		t.UpPackets, t.UpBytes = t.UpPackets+c.Packets, t.UpBytes+c.Bytes
	} else {
		t.DownPackets, t.DownBytes = t.DownPackets+c.Packets, t.DownBytes+c.Bytes
	}
	return t
}

func within(low, n, high uint64) bool { return low <= n && n <= high }
