package peer

import (
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"
)

// at is the n-th port of an address.
func at(ip string, n int) netip.AddrPort {
	return netip.AddrPortFrom(netip.MustParseAddr(ip), uint16(2000+n))
}

func newTestBudget(device *allowance) *budget {
	b := newBudget(device)
	b.settle(home())
	return b
}

// spent counts how many checks of many may leave at once to the given address of each.
func spent(b *budget, many int, to func(n int) netip.AddrPort) int {
	n := 0
	for i := range many {
		if b.spend(to(i), false) {
			n++
		}
	}
	return n
}

func TestChecksToOneAddressAreBoundedOverAllSessions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := newAllowance()
		victim := func(n int) netip.AddrPort { return at("8.8.8.8", n%10) }
		total := 0
		for range 5 {
			total += spent(newTestBudget(device), 1000, victim)
		}
		if want := 2 * checksPerAddress; total != want {
			t.Errorf("checks at once: got %d, want %d", total, want)
		}
		b := newTestBudget(device)
		time.Sleep(time.Second)
		if got := spent(b, 1000, victim); got != checksPerAddress {
			t.Errorf("checks a second later: got %d, want %d", got, checksPerAddress)
		}
		b.renew()
		if got := spent(b, 1000, victim); got != 0 {
			t.Errorf("checks of a new generation: got %d, want none", got)
		}
	})
}

func TestChecksOfASessionAndOfADeviceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := newAllowance()
		everywhere := func(n int) netip.AddrPort { return at(fmt.Sprintf("8.8.8.%d", 1+n%10), 0) }
		total := spent(newTestBudget(device), 2000, everywhere)
		if total != checksPerSession {
			t.Errorf("checks of one session: got %d, want %d", total, checksPerSession)
		}
		for s := range 9 {
			total += spent(newTestBudget(device), 2000, func(n int) netip.AddrPort { return at(fmt.Sprintf("8.8.%d.%d", s, 1+n%10), 0) })
		}
		if total != checksPerDevice {
			t.Errorf("checks of all: got %d, want %d", total, checksPerDevice)
		}
	})
}

func TestDestinationsOfASessionAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestBudget(newAllowance())
		known := func(many int, to func(n int) netip.AddrPort) int {
			n := 0
			for i := range many {
				if b.knows(to(i)) {
					n++
				}
			}
			return n
		}
		if got := known(1000, func(n int) netip.AddrPort { return at("8.8.8.8", n) }); got != maxDestinations {
			t.Errorf("ports: got %d, want %d", got, maxDestinations)
		}
		b.renew()
		time.Sleep(time.Hour)
		if got := known(1000, func(n int) netip.AddrPort { return at(fmt.Sprintf("8.9.%d.%d", n/200, n%200), 0) }); got != maxRemoteAddresses {
			t.Errorf("addresses: got %d, want %d", got, maxRemoteAddresses)
		}
		b.renew()
		if b.knows(at("8.8.8.8", 0)) {
			t.Error("an address of a new generation at once: got yes, want no")
		}
		time.Sleep(time.Minute)
		if !b.knows(at("8.8.8.8", 0)) {
			t.Error("an address of a new generation a minute later: got no, want yes")
		}
	})
}

func TestDestinationsOfADeviceAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := newAllowance()
		n := 0
		for s := range 20 {
			b := newTestBudget(device)
			for i := range maxDestinations {
				if b.knows(at(fmt.Sprintf("8.8.8.%d", s), i)) {
					n++
				}
			}
		}
		if n != deviceDestinations {
			t.Errorf("ports: got %d, want %d", n, deviceDestinations)
		}
	})
}

func TestServicesAndImpossibleAddressesAreNoDestinations(t *testing.T) {
	b := newTestBudget(newAllowance())
	for _, to := range []string{"8.8.8.8:53", "127.0.0.1:5000", "224.0.0.1:5000", "192.168.1.255:5000"} {
		if b.spend(netip.MustParseAddrPort(to), false) {
			t.Errorf("check to %s: got yes, want no", to)
		}
	}
}

func TestSelectedAddressIsNeverStarved(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestBudget(newAllowance())
		b.agree(at("9.9.9.9", 0))
		spent(b, 2000, func(n int) netip.AddrPort { return at(fmt.Sprintf("8.8.8.%d", 1+n%10), 0) })
		if !b.spend(at("9.9.9.9", 0), false) {
			t.Error("check of consent in a flood: got no, want yes")
		}
	})
}

func TestAddressOfAConnectedViewerIsOutOfReachOfOthers(t *testing.T) {
	device := newAllowance()
	watching, hostile := newTestBudget(device), newTestBudget(device)
	viewer, next := at("9.9.9.9", 0), at("9.9.9.9", 1)
	if !hostile.spend(viewer, false) {
		t.Fatal("check to an address that is nobody's yet: got no, want yes")
	}
	watching.agree(viewer)
	hostile.agree(viewer)
	if hostile.knows(viewer) || !watching.spend(viewer, false) {
		t.Error("an address that agreed to the first session is not the first session's alone")
	}
	watching.agree(next)
	if hostile.knows(next) {
		t.Error("check to where the viewer has gone: got yes, want no")
	}
	watching.connect(false)
	if !hostile.knows(next) {
		t.Error("check to an address that the viewer has lost: got no, want yes")
	}
	watching.connect(true)
	if hostile.knows(next) {
		t.Error("check to an address that the viewer has again: got yes, want no")
	}
	watching.renew()
	if !hostile.knows(next) {
		t.Error("check after the session: got no, want yes")
	}
}

func TestPredictionsLeaveHalfOfTheBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newTestBudget(newAllowance())
		n := 0
		for i := range 2000 {
			if b.spend(at(fmt.Sprintf("8.8.8.%d", 1+i%10), 0), true) {
				n++
			}
		}
		if n < checksPerSession/2 || n > checksPerSession/2+1 {
			t.Errorf("checks of predictions: got %d, want about %d", n, checksPerSession/2)
		}
	})
}

func TestBudgetsOfAddressesAreDroppedOnceFull(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := newAllowance()
		for n := range maxAddressBudgets {
			ip := netip.AddrFrom4([4]byte{9, 9, byte(n >> 8), byte(n)})
			device.join(ip)
			device.leave(ip)
		}
		device.join(netip.MustParseAddr("8.8.8.8"))
		if got := len(device.addresses); got != 1 {
			t.Errorf("budgets: got %d, want 1", got)
		}
	})
}

func TestDialsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		device := newAllowance()
		total := 0
		for n := range 10 {
			b, dials := newTestBudget(device), 0
			for b.dial() {
				dials++
			}
			if total += dials; n == 0 && dials != maxDials {
				t.Errorf("dials of a session: got %d, want %d", dials, maxDials)
			}
		}
		if total != maxDeviceDials {
			t.Errorf("dials of all: got %d, want %d", total, maxDeviceDials)
		}
	})
}
