package turn

import (
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// offer sends packets of that size through a cap, one each interval, and returns the bytes that got through.
func offer(r *relay, to direction, size int, interval, span time.Duration) (bytes int) {
	for range int(span / interval) {
		if r.withinRate(to, size) {
			bytes += size
		}
		time.Sleep(interval)
	}
	return bytes
}

func TestCapHoldsItsRateAndLetsAKeyframePass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{cap: newRateCap(800)} // 100,000 bytes a second
		burst := 0
		for r.withinRate(down, 1000) {
			burst += 1000
		}
		if want := 100_000; burst != want {
			t.Errorf("%d bytes at once, want a second's worth: %d", burst, want)
		}
		// Ten times as much as may go.
		if got, want := offer(r, down, 1000, time.Millisecond, time.Minute), 6_000_000; got < want*99/100 || got > want {
			t.Errorf("%d bytes in a minute, want %d", got, want)
		}
		if !r.withinRate(up, 1000) {
			t.Error("the other direction is held up")
		}
	})
}

func TestTrafficUnderTheCapLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{cap: newRateCap(1000)}
		if got, want := offer(r, up, 1200, 10*time.Millisecond, time.Minute), 7_200_000; got != want {
			t.Errorf("%d of %d bytes at 960 kbit/s passed a cap of 1000", got, want)
		}
	})
}

func TestLowCapsLetTheLargestPacketPass(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := &relay{cap: newRateCap(1)}
		got := offer(r, down, maxFrame, time.Second, 1000*time.Second)
		if most := minCapBurst + 125_000; got < minCapBurst*9/10 || got > most {
			t.Errorf("%d bytes in 1000 s at 1 kbit/s, want about %d", got, most)
		}
	})
}

func TestCapIsOneForAllWhoShareIt(t *testing.T) {
	r := &relay{cap: newRateCap(1)} // Nothing to speak of comes back while this runs.
	var passed [4]int
	var group sync.WaitGroup
	for i := range passed {
		group.Go(func() {
			for range 1000 {
				if r.withinRate(down, 1024) {
					passed[i] += 1024
				}
			}
		})
	}
	group.Wait()
	// In 8 s 1 kbit/s is one packet more.
	if got := passed[0] + passed[1] + passed[2] + passed[3]; got < minCapBurst || got > minCapBurst+10*1024 {
		t.Errorf("%d bytes passed at once, want %d", got, minCapBurst)
	}
}

func TestCapCostsNoAllocation(t *testing.T) {
	r := &relay{cap: newRateCap(1_000_000)}
	if n := testing.AllocsPerRun(1000, func() { r.withinRate(down, 1200) }); n != 0 {
		t.Errorf("%v allocations a packet", n)
	}
}

func TestWhatIsOverTheCapIsDroppedAndNotCounted(t *testing.T) {
	for _, transport := range []string{transportUDP, transportTCP} {
		t.Run(transport, func(t *testing.T) {
			h := start(t)
			peer := h.peer(t)
			// Nothing comes back in a test: minCapBurst is all there is, for all allocations of the grant.
			creds := h.credentials(t, grantA, protocol.RoleViewer)
			h.Assign(grantA, "shop", 1)
			first, err := h.dial(t, transport, creds).Allocate()
			if err != nil {
				t.Fatal(err)
			}
			second, err := h.dial(t, transport, creds).Allocate()
			if err != nil {
				t.Fatal(err)
			}
			const size, most = 1024, minCapBurst / 1024
			data := strings.Repeat("x", size)
			for i := range most {
				relayed := first
				if i%2 == 1 {
					relayed = second
				}
				send(t, relayed, data, peer.LocalAddr())
				receive(t, peer)
			}
			for range 20 {
				send(t, first, data, peer.LocalAddr())
				send(t, second, data, peer.LocalAddr())
			}
			eventually(t, "drops", func() bool {
				return h.metric(t, "sightline_turn_dropped_packets_total", "rate") >= 39
			})
			// The other direction has a bound of its own, and nothing has died.
			send(t, peer, data, first.LocalAddr())
			if got, _ := receive(t, first); got != data {
				t.Errorf("client got %d bytes", len(got))
			}
			dropped := func() uint64 { return uint64(h.metric(t, "sightline_turn_dropped_packets_total", "rate")) }
			h.Assign(grantA, "shop", 0)
			send(t, second, data, peer.LocalAddr())
			h.End(grantA)
			eventually(t, "the last counts", func() bool {
				usage := h.ledger.of(grantA)
				return len(usage) == 2 && !usage[0].Ended.IsZero() && !usage[1].Ended.IsZero()
			})
			var got record.Traffic
			for _, u := range h.ledger.of(grantA) {
				got = sum(got, u.Traffic)
				if u.Project != "shop" {
					t.Errorf("usage of project %q, want shop", u.Project)
				}
			}
			sent := uint64(most+40) - dropped()
			if got.UpPackets < sent || got.UpPackets > sent+1 || got.UpBytes != size*got.UpPackets || got.DownPackets != 1 {
				t.Errorf("got %+v with %d dropped of %d", got, dropped(), most+41)
			}
		})
	}
}

func TestLookedUpGrantsHaveTheirTermsAndEndWithTheirProjects(t *testing.T) {
	g := newGrants(nil, time.Minute)
	now := time.Now()
	if !g.adopt(grantA, record.Grant{Project: "shop", Terms: record.Terms{MaxKbps: 64}, Expires: now.Add(time.Hour)}, now) {
		t.Fatal("not adopted")
	}
	if err := g.open(grantB); err != nil {
		t.Fatal(err)
	}
	g.assign(grantB, "shop", 8)
	for grant, want := range map[protocol.GrantID]int64{grantA: 64, grantB: 8} {
		project, limit := g.terms(grant)
		if diff := cmp.Diff(protocol.ProjectID("shop"), project); diff != "" || limit.kbps.Load() != want {
			t.Errorf("grant %s: project %q, %d kbit/s, want %d", grant, project, limit.kbps.Load(), want)
		}
	}
	r := &relay{grant: grantA}
	if err := g.attach(r); err != nil {
		t.Fatal(err)
	}
	if got := g.endStrays("other"); len(got) != 0 {
		t.Errorf("%d relays of another project ended", len(got))
	}
	if got := g.endStrays("shop"); len(got) != 1 || got[0] != r {
		t.Errorf("ended %v, want the relay", got)
	}
	if g.alive(grantA, now) || !g.alive(grantB, now) {
		t.Error("want the looked-up grant ended, the other not")
	}
}
