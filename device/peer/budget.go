package peer

import (
	"net"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// What a session and all sessions together may send before anybody has agreed to get it. A check has about 120 bytes.
const (
	// checksPerSession is the rate of one session: 8 candidates of either end are 64 pairs, which the library checks five
	// times a second until one works; more than this no viewer needs.
	checksPerSession = 320
	// checksPerDevice is the rate of all together: 1 Mbit/s, and only while something is being tried.
	checksPerDevice = 1000
	// checksPerAddress is the rate towards one IP address from all sessions: 17 ports five times a second (one candidate and
	// 16 predicted) with room for a second viewer there. It is the most that a stranger can have somebody else get from a
	// device, 0.1 Mbit/s.
	checksPerAddress = 100
	// maxDestinations bounds the ports that one ICE generation sends to, and is what a session may begin with;
	// newDestinations is how many a second it gets on top, and devicesDestinations what all sessions have together.
	maxDestinations       = 128
	newDestinations       = 1
	deviceDestinations    = 1024
	newDeviceDestinations = 16
	// maxRemoteAddresses bounds the IP addresses of one ICE generation: two families, two interfaces, a temporary and a lasting
	// address of each, and relays. newRemoteAddresses is how many a second a session gets on top: one a minute, for phones.
	maxRemoteAddresses = 16
	newRemoteAddresses = 1.0 / 60
	// maxDials bounds the TCP connections that a session and a device open towards viewers at once, newDials and
	// newDeviceDials how many a second come on top: viewers that listen are native programs, with an address or two.
	maxDials       = 4
	newDials       = 0.1
	maxDeviceDials = 16
	newDeviceDials = 1
	// maxAddressBudgets is where budgets of addresses that nobody uses any more are dropped.
	maxAddressBudgets = 512
)

// allowance is what all sessions of a device may send to addresses that have not agreed to get it. It is safe for
// concurrent use.
type allowance struct {
	checks       *rate.Limiter
	destinations *rate.Limiter
	dials        *rate.Limiter

	mu        sync.Mutex // guards what follows
	addresses map[netip.Addr]*addressBudget
	// agreed are the addresses that connected sessions exchange media with. Nobody else may send there from the media port:
	// the library gives all that comes from an address to the session that sent to it last.
	agreed map[netip.AddrPort]*budget
}

// addressBudget is what may go to one IP address; sessions counts those that know it.
type addressBudget struct {
	checks   *rate.Limiter
	sessions int
}

func newAllowance() *allowance {
	return &allowance{
		checks:       rate.NewLimiter(checksPerDevice, checksPerDevice),
		destinations: rate.NewLimiter(newDeviceDestinations, deviceDestinations),
		dials:        rate.NewLimiter(newDeviceDials, maxDeviceDials),
		addresses:    make(map[netip.Addr]*addressBudget),
		agreed:       make(map[netip.AddrPort]*budget),
	}
}

// join returns the budget of an address for one more session.
func (a *allowance) join(ip netip.Addr) *rate.Limiter {
	a.mu.Lock()
	defer a.mu.Unlock()
	b := a.addresses[ip]
	if b == nil {
		if len(a.addresses) >= maxAddressBudgets {
			a.sweep()
		}
		b = &addressBudget{checks: rate.NewLimiter(checksPerAddress, 2*checksPerAddress)}
		a.addresses[ip] = b
	}
	b.sessions++
	return b.checks
}

// leave takes a session off an address. Its budget stays, so that it is no fresh one for the next session.
func (a *allowance) leave(ip netip.Addr) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.addresses[ip].sessions--
}

// claim notes that an address has agreed to one session, unless it has to another.
func (a *allowance) claim(at netip.AddrPort, b *budget) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if at.IsValid() && a.agreed[at] == nil {
		a.agreed[at] = b
	}
}

// yield takes that back.
func (a *allowance) yield(at netip.AddrPort, b *budget) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.agreed[at] == b {
		delete(a.agreed, at)
	}
}

// taken reports whether an address has agreed to another session than this.
func (a *allowance) taken(at netip.AddrPort, b *budget) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	by := a.agreed[at]
	return by != nil && by != b
}

// sweep drops the budgets that are full and that nobody uses. It needs mu.
func (a *allowance) sweep() {
	for ip, b := range a.addresses {
		if b.sessions == 0 && b.checks.Tokens() >= float64(b.checks.Burst()) {
			delete(a.addresses, ip)
		}
	}
}

// budget is what one session may send to addresses that have not agreed to get it, and to which. It is safe for
// concurrent use.
type budget struct {
	device       *allowance
	checks       *rate.Limiter
	destinations *rate.Limiter
	addresses    *rate.Limiter
	dials        *rate.Limiter

	mu       sync.Mutex // guards what follows
	around   surroundings
	known    map[netip.AddrPort]*rate.Limiter // with the budget of its IP address
	ips      map[netip.Addr]*rate.Limiter
	selected netip.AddrPort // agreed: ICE has selected it
}

func newBudget(device *allowance) *budget {
	return &budget{
		device:       device,
		checks:       rate.NewLimiter(checksPerSession, checksPerSession),
		destinations: rate.NewLimiter(newDestinations, maxDestinations),
		addresses:    rate.NewLimiter(newRemoteAddresses, maxRemoteAddresses),
		dials:        rate.NewLimiter(newDials, maxDials),
		known:        make(map[netip.AddrPort]*rate.Limiter),
		ips:          make(map[netip.Addr]*rate.Limiter),
	}
}

// settle tells what networks the device is in.
func (b *budget) settle(around surroundings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.around = around
}

// renew forgets the destinations: a new ICE generation has its own. What was used up stays used up.
func (b *budget) renew() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ip := range b.ips {
		b.device.leave(ip)
	}
	clear(b.known)
	clear(b.ips)
	b.device.yield(b.selected, b)
	b.selected = netip.AddrPort{}
}

// agree exempts the address that ICE has selected: it has answered an authenticated check, and goes on doing so.
func (b *budget) agree(to netip.AddrPort) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if to != b.selected {
		b.device.yield(b.selected, b)
	}
	b.selected = to
	b.device.claim(to, b)
}

// connect keeps the selected address from other sessions while ICE is connected, and no longer: a NAT may give it to another
// viewer then.
func (b *budget) connect(connected bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if connected {
		b.device.claim(b.selected, b)
	} else {
		b.device.yield(b.selected, b)
	}
}

// accepts reports whether the library may have a candidate of an IP address, peer-reflexive ones among them.
func (b *budget) accepts(ip net.IP) bool {
	address, ok := netip.AddrFromSlice(ip)
	b.mu.Lock()
	defer b.mu.Unlock()
	return ok && b.around.possible(address)
}

// dial reports whether the device may open a TCP connection to a candidate now.
func (b *budget) dial() bool { return b.dials.Allow() && b.device.dials.Allow() }

// knows reports whether a session may exchange checks with an address, which counts as one of its destinations from then on.
func (b *budget) knows(at netip.AddrPort) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.limiter(at) != nil
}

// limiter returns the budget of an address, nil when the session may not send there. It needs mu.
func (b *budget) limiter(at netip.AddrPort) *rate.Limiter {
	if b.device.taken(at, b) {
		return nil
	}
	if l := b.known[at]; l != nil {
		return l
	}
	if len(b.known) >= maxDestinations || at.Port() < firstPort && at.Port() != httpsPort || !b.around.possible(at.Addr()) {
		return nil
	}
	l := b.ips[at.Addr()]
	if l == nil && (len(b.ips) >= maxRemoteAddresses || !b.addresses.Allow()) {
		return nil
	}
	if !b.destinations.Allow() || !b.device.destinations.Allow() {
		return nil
	}
	if l == nil {
		l = b.device.join(at.Addr())
		b.ips[at.Addr()] = l
	}
	b.known[at] = l
	return l
}

// spend reports whether a check, or the answer to one, may go out now. One that may wait for a better time leaves half
// of all budgets to the others.
func (b *budget) spend(to netip.AddrPort, spare bool) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if to == b.selected {
		return true
	}
	address := b.limiter(to)
	if address == nil {
		return false
	}
	now := time.Now()
	if spare && (b.checks.TokensAt(now) < checksPerSession/2 || b.device.checks.TokensAt(now) < checksPerDevice/2) {
		return false
	}
	return address.AllowN(now, 1) && b.checks.AllowN(now, 1) && b.device.checks.AllowN(now, 1)
}
