package signal

import (
	"math"
	"math/rand/v2"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// longestRefusal bounds what a refused client is told to wait. It is the longest back-off of a client that is told
	// nothing (docs/protocol.md).
	longestRefusal = 30 * time.Second
	// notReadyWait is what clients are told to wait while the hub starts or stops, and as much again at random.
	notReadyWait = 2 * time.Second
	// maxAddresses and maxProjects bound what is remembered, in about 3 MB and 1 MB.
	maxAddresses = 16 << 10
	maxProjects  = 4 << 10
	// returning is the part of the accept rate that belongs to links which wait for a socket, as long as any does.
	returning = 0.25
)

// Cause is why the hub did not let a client in.
type Cause string

// The causes of refusals.
const (
	RefusedNotReady Cause = "not_ready" // the hub starts or stops
	RefusedMemory   Cause = "memory"    // the queues are full
	RefusedSockets  Cause = "sockets"   // too many have yet to say hello
	RefusedAddress  Cause = "address"   // too many from one address
	RefusedNode     Cause = "node"      // too many in all
	RefusedProject  Cause = "project"   // too many of one project
)

// Causes lists the causes.
var Causes = []Cause{RefusedNotReady, RefusedMemory, RefusedSockets, RefusedAddress, RefusedNode, RefusedProject}

// admission is who may come, and how often. It has its own locks.
type admission struct {
	addresses *throttle.Table[netip.Prefix]
	projects  *throttle.Table[protocol.ProjectID]

	// all and others are the paces of the node: for all newcomers, and for those that are not known to return.
	all, others throttle.Pace

	// mu guards what follows.
	mu             sync.Mutex
	total, foreign throttle.Bucket
	refused        map[Cause]uint64
}

func newAdmission(c Config) *admission {
	all := throttle.Pace{Rate: c.AcceptRate, Burst: c.AcceptBurst, Longest: longestRefusal}
	others := all
	others.Rate, others.Burst = all.Rate*(1-returning), max(1, int(float64(all.Burst)*(1-returning)))
	return &admission{
		all: all, others: others, refused: map[Cause]uint64{},
		addresses: throttle.NewTable[netip.Prefix](throttle.Pace{
			Rate: c.AddressRate, Burst: c.AddressBurst, Longest: longestRefusal,
		}, maxAddresses),
		projects: throttle.NewTable[protocol.ProjectID](throttle.Pace{ // not asked when there is no rate
			Rate: c.ProjectRate, Burst: burstOf(c.ProjectRate), Longest: longestRefusal,
		}, maxProjects),
	}
}

// burstOf is the burst that goes with a rate: what comes in a fifth of a second. More would only move the queue from the
// network into the hub.
func burstOf(rate float64) int { return max(1, int(math.Ceil(rate/5))) }

// admitRequest says whether a request for a new socket may go on, before anything is spent on it. If not, it has been
// answered: 429 where its own address asks too often, else 503, with a Retry-After that is not the same for all and at
// which there will be room.
func (h *Hub) admitRequest(w http.ResponseWriter, r *http.Request) bool {
	cause, wait := h.mayConnect(h.config.ClientAddress(r), time.Now())
	if cause == "" {
		return true
	}
	h.admission.count(cause)
	status, words := http.StatusServiceUnavailable, "the server has too much to do"
	switch cause {
	case RefusedNotReady:
		words = "the server is not ready"
	case RefusedAddress:
		status, words = http.StatusTooManyRequests, "too many connections from this address"
	}
	header := w.Header()
	header.Set(protocol.ServerHeader, h.nodeName())
	header.Set("Retry-After", wholeSeconds(wait))
	header.Set("Cache-Control", "no-store")
	header.Set("Connection", "close") // whoever has to wait for seconds needs no open file for it
	http.Error(w, words, status)
	return false
}

// mayConnect returns why a socket from an address may not come now, and when it may; no cause lets it in.
func (h *Hub) mayConnect(address netip.Addr, now time.Time) (Cause, time.Duration) {
	home := throttle.Household(address)
	h.mu.Lock()
	ready := h.running && !h.stopping
	crowd, parked, back := len(h.strangers), h.parked.Len(), h.homes[home] > 0
	h.mu.Unlock()
	switch {
	case !ready:
		return RefusedNotReady, spread(notReadyWait)
	case !back && h.budget.over(refuseNewcomerAt): // who comes back empties a queue
		return RefusedMemory, spread(crowdedWait)
	case crowd >= h.config.MaxStrangers:
		return RefusedSockets, spread(h.config.HelloTimeout)
	}
	if wait := h.admission.addresses.Take(home, now); wait > 0 {
		return RefusedAddress, wait
	}
	if wait := h.admission.node(parked > 0 && !back, now); wait > 0 {
		return RefusedNode, wait
	}
	return "", 0
}

// node takes one from the pace of the node. While links wait for a socket, a part of it is theirs, so that strangers
// cannot keep them away until they end.
func (a *admission) node(foreign bool, now time.Time) time.Duration {
	a.mu.Lock()
	defer a.mu.Unlock()
	if foreign {
		if wait := a.foreign.Take(a.others, now); wait > 0 {
			return wait
		}
	}
	return a.total.Take(a.all, now)
}

// mayJoin refuses a new link of a project that makes too many.
func (h *Hub) mayJoin(project protocol.ProjectID, now time.Time) error {
	if h.config.ProjectRate <= 0 {
		return nil
	}
	wait := h.admission.projects.Take(project, now)
	if wait == 0 {
		return nil
	}
	h.admission.count(RefusedProject)
	err := protocol.Errorf(protocol.CodeRateLimited, "too many links of one project at once")
	err.RetryMS = wait.Milliseconds() + 1
	return err
}

func (a *admission) count(cause Cause) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.refused[cause]++
}

// Refused returns how many clients the hub has not let in for a cause.
func (h *Hub) Refused(cause Cause) uint64 {
	h.admission.mu.Lock()
	defer h.admission.mu.Unlock()
	return h.admission.refused[cause]
}

// spread returns a wait of once to twice the length.
func spread(d time.Duration) time.Duration {
	return d + rand.N(d) //nolint:gosec // jitter is no secret
}

// wholeSeconds is a wait in the form of Retry-After (RFC 9110 section 10.2.3). It is rounded up or down at random, so
// that those whose waits differ by less than a second do not come back together; it is never 0.
func wholeSeconds(wait time.Duration) string {
	seconds := max(1, int64((wait+rand.N(time.Second))/time.Second)) //nolint:gosec // jitter is no secret
	return strconv.FormatInt(seconds, 10)
}
