package uplink

import (
	"errors"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	ws   = protocol.TransportWebSocket
	poll = protocol.TransportLongPoll
)

// remembered is a memory that does not last.
type remembered map[string]protocol.Fallback

// Recall implements Memory.
func (r remembered) Recall(key string) (protocol.Fallback, bool) { why, ok := r[key]; return why, ok }

// Keep implements Memory.
func (r remembered) Keep(key string, why protocol.Fallback) { r[key] = why }

// Forget implements Memory.
func (r remembered) Forget(key string) { delete(r, key) }

var (
	start   = time.Unix(1_800_000_000, 0)
	blocked = &door.Failure{Reason: protocol.FallbackStatus, Detail: "HTTP 200", Words: "no"}
	away    = &door.Failure{Reason: protocol.FallbackUnreachable, Detail: "reset", Words: "no"}
	busy    = &door.Failure{Words: "busy", Retry: time.Second}
	errLost = errors.New("reset")
	closed  = &door.Closed{Code: protocol.CloseGoingAway}
)

func newTestPolicy(memory Memory) *policy {
	c := Config{Memory: memory}.withDefaults()
	p := newPolicy(&c)
	p.moved("home", start)
	return p
}

func uses(t *testing.T, p *policy, want protocol.Transport) {
	t.Helper()
	if p.use != want {
		t.Fatalf("the policy is for %s, want %s", p.use, want)
	}
}

func probesAfter(t *testing.T, p *policy, now time.Time, want time.Duration) {
	t.Helper()
	if p.probeAt.IsZero() || p.probeAt.Sub(now) != want {
		t.Fatalf("the next probe is at %v, want in %v", p.probeAt, want)
	}
}

func TestTwoSilentWebSocketsInARowAreEnough(t *testing.T) {
	memory := remembered{}
	p := newTestPolicy(memory)
	p.failed(ws, blocked)
	uses(t, p, ws)
	p.opened(ws, start) // not in a row
	p.failed(ws, blocked)
	uses(t, p, ws)
	p.failed(ws, blocked)
	uses(t, p, poll)
	if why := p.report(poll); why == nil || why.Reason != protocol.FallbackStatus || why.Detail != "HTTP 200" {
		t.Errorf("the hello says %+v", why)
	}
	if why := p.report(ws); why != nil {
		t.Errorf("the hello of a WebSocket says %+v", why)
	}
	p.opened(poll, start)
	if memory["home"].Reason != protocol.FallbackStatus {
		t.Errorf("the memory has %v", memory)
	}
	uses(t, p, poll)
}

func TestProbesComeAfterOneFiveAndFifteenMinutes(t *testing.T) {
	p := newTestPolicy(remembered{})
	p.failed(ws, blocked)
	p.failed(ws, blocked)
	p.opened(poll, start)
	for _, want := range []time.Duration{1, 5, 15, 15, 15} {
		probesAfter(t, p, start, want*time.Minute)
		p.probed(blocked, start)
	}
	p.opened(poll, start.Add(time.Hour)) // the door was lost and opened again
	probesAfter(t, p, start, 15*time.Minute)
	p.moved("home", start.Add(time.Minute)) // another address in the same network
	probesAfter(t, p, start, time.Minute)
}

func TestProbeThatOpensEndsTheFallback(t *testing.T) {
	memory := remembered{}
	p := newTestPolicy(memory)
	p.failed(ws, blocked)
	p.failed(ws, blocked)
	p.opened(poll, start)
	p.opened(ws, start)
	uses(t, p, ws)
	if !p.probeAt.IsZero() || len(memory) != 0 {
		t.Errorf("a probe at %v, the memory %v", p.probeAt, memory)
	}
}

func TestNetworkThatIsDownProvesNothing(t *testing.T) {
	memory := remembered{}
	p := newTestPolicy(memory)
	p.failed(ws, away)
	for range 3 {
		p.failed(ws, away)
		uses(t, p, poll)
		p.failed(poll, away)
		uses(t, p, ws)
	}
	p.failed(ws, away)
	p.opened(poll, start) // the network is back, and this door's turn
	probesAfter(t, p, start, 0)
	if len(memory) != 0 {
		t.Errorf("the memory has %v", memory)
	}
	p.probed(away, start)
	probesAfter(t, p, start, time.Minute)
	if memory["home"].Reason != protocol.FallbackUnreachable {
		t.Errorf("the memory has %v after a probe that failed", memory)
	}
}

func TestHubsOwnWordIsNoReasonForAnotherDoor(t *testing.T) {
	p := newTestPolicy(nil)
	for range 5 {
		p.failed(ws, busy)
		p.failed(ws, closed)
		p.lost(ws, time.Second, closed)
	}
	uses(t, p, ws)
}

func TestThreeWebSocketsThatAreCutAreEnough(t *testing.T) {
	p := newTestPolicy(remembered{})
	cut := func() {
		p.opened(ws, start)
		p.lost(ws, 5*time.Second, errLost)
	}
	cut()
	cut()
	p.opened(ws, start)
	p.lost(ws, time.Minute, errLost) // this one lived
	cut()
	cut()
	uses(t, p, ws)
	cut()
	uses(t, p, poll)
	if why := p.report(poll); why == nil || why.Reason != protocol.FallbackCut || why.Detail != "lost after 5s" {
		t.Errorf("the hello says %+v", why)
	}
	p.opened(poll, start)
	probesAfter(t, p, start, time.Minute)
	cut() // once is enough now
	uses(t, p, poll)
	p.opened(poll, start)
	probesAfter(t, p, start, 5*time.Minute)
}

func TestRememberedNetworkStartsOnTheLongPoll(t *testing.T) {
	why := protocol.Fallback{Reason: protocol.FallbackSilent, Detail: "d"}
	p := newTestPolicy(remembered{"home": why})
	uses(t, p, poll)
	if got := p.report(poll); got == nil || *got != why {
		t.Errorf("the hello says %+v", got)
	}
	p.opened(poll, start)
	probesAfter(t, p, start, time.Minute)
	p.moved("elsewhere", start)
	uses(t, p, ws)
	if got := p.report(poll); got != nil {
		t.Errorf("in another network the hello says %+v", got)
	}
	p.opened(poll, start) // to have any door at once
	probesAfter(t, p, start, 0)
	p.moved("home", start)
	uses(t, p, poll)
}

func TestForcedDoorIsTheOnlyOne(t *testing.T) {
	for _, only := range []protocol.Transport{ws, poll} {
		c := Config{Door: only}.withDefaults()
		p := newPolicy(&c)
		p.moved("home", start)
		for range 5 {
			p.failed(only, blocked)
			p.opened(only, start)
			p.lost(only, time.Second, errLost)
		}
		uses(t, p, only)
		if !p.probeAt.IsZero() || p.report(only) != nil {
			t.Errorf("%s: a probe at %v, the hello says %+v", only, p.probeAt, p.report(only))
		}
	}
}

func TestDoorThatWasAskedForIsNoFallback(t *testing.T) {
	p := newTestPolicy(remembered{})
	p.opened(ws, start)
	p.opened(poll, start)
	if p.report(poll) != nil || !p.probeAt.IsZero() {
		t.Errorf("the hello says %+v, a probe comes at %v", p.report(poll), p.probeAt)
	}
}
