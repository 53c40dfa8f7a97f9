package turn

import (
	"net"
	"net/netip"
	"testing"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestOverTheBudgetNoMoreGoesOutThanCameIn(t *testing.T) {
	now := time.Unix(1000, 0)
	b := newBudget()
	b.clock = func() time.Time { return now }
	const request, answer = 28, 104
	victim := netip.MustParseAddr("192.0.2.1")
	in, out, over := 0, 0, 0
	for range 100_000 {
		if b.admit(victim, request) && b.spend(victim, answer) {
			out += answer
		} else if over == 0 {
			over = in
		}
		in += request
	}
	if over == 0 || out > in+budgetBurst {
		t.Errorf("%d bytes came in, %d went out", in, out)
	}
	// From where the budget was used up.
	if outside := out - over - budgetBurst; outside > in-over {
		t.Errorf("over the budget %d bytes came in, %d went out", in-over, outside)
	}
	if !b.admit(netip.MustParseAddr("192.0.3.1"), request) {
		t.Error("another network is not answered")
	}
	if b.admit(netip.MustParseAddr("192.0.2.254"), request) && b.spend(netip.MustParseAddr("192.0.2.254"), largestAnswer) {
		t.Error("another address of the network has a budget of its own")
	}
	now = now.Add(time.Second)
	if !b.admit(victim, request) || !b.spend(victim, budgetRate/2) {
		t.Error("a second later nothing is answered")
	}
}

func TestBudgetsBelongToRoutedNetworks(t *testing.T) {
	for addr, want := range map[string]string{
		"192.0.2.7": "192.0.2.0/24", "::ffff:192.0.2.7": "192.0.2.0/24", "2001:db8:1:2::3": "2001:db8:1::/48", "fe80::1%eth0": "fe80::/48",
	} {
		if got := routedNetwork(netip.MustParseAddr(addr)).String(); got != want {
			t.Errorf("%s: got %s, want %s", addr, got, want)
		}
	}
}

func TestBudgetTakesAnyAddressAndAnyClock(t *testing.T) {
	b := newBudget()
	for _, now := range []time.Time{time.Unix(1000, 0), time.Unix(0, 0), time.Unix(1<<33, 0), {}} {
		b.clock = func() time.Time { return now }
		for _, addr := range []netip.Addr{{}, netip.MustParseAddr("::1")} {
			if !b.admit(addr, 20) || !b.spend(addr, 40) {
				t.Errorf("%s at %s is not answered", addr, now)
			}
		}
	}
}

// A flood of requests without credentials draws no more than it costs, and does not keep out a client of the same network
// that has an allocation.
func TestReflectionIsBounded(t *testing.T) {
	h := start(t)
	client := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	client.allocate()
	conn, err := net.Dial("udp", h.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	// Time stands still: what it earns is another test's.
	now := time.Now()
	h.budget.mu.Lock()
	h.budget.clock = func() time.Time { return now }
	c := &h.budget.cells[h.budget.cell(netip.MustParseAddr("127.0.0.1"))]
	before := c.spent
	h.budget.mu.Unlock()

	bare := stun.MustBuild(stun.TransactionID, stun.NewType(stun.MethodAllocate, stun.ClassRequest))
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest)
	in := 0
	for i := range 20_000 {
		m := bare
		if i%2 == 1 {
			m = binding
		}
		if _, err := conn.Write(m.Raw); err != nil {
			t.Fatal(err)
		}
		in += len(m.Raw)
		if i%64 == 0 {
			// The server keeps up: it answers its client.
			if code := client.request(stun.MethodRefresh); code != 0 {
				t.Fatalf("refresh amid a flood: got %d", code)
			}
		}
	}
	h.budget.mu.Lock()
	if c.spent > budgetBurst || c.spent <= before {
		t.Errorf("spent %d bytes of %d", c.spent, budgetBurst)
	}
	c.spent = 2 * budgetBurst // whatever of the flood has not been read yet
	h.budget.mu.Unlock()
	// Neither does it help to ask in the name of a client that is served; what that asks itself is answered.
	write(t, client.conn, bare.Raw)
	client.creds.Password = "guessed"
	if code := client.request(stun.MethodRefresh); code != 400 {
		t.Errorf("a refresh by somebody else, after an Allocate without credentials: got %d, want 400", code)
	}
	if got := h.metric(t, "sightline_turn_unanswered_requests_total"); got < 5000 {
		t.Errorf("%v of 20000 requests went unanswered", got)
	}
	t.Logf("%d bytes came in", in)
}
