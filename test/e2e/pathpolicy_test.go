//go:build linux

package e2e

import (
	"regexp"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/browser"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// watchRelay counts on the server's host what only a relay has to do with: requests to TURN for an allocation (RFC 8656
// section 7.1) and everything by TCP on its port, and packets on ports that it gives to peers. What is left of UDP there is
// STUN on the ports of TURN, and none else.
const watchRelay = `table inet relay {
	counter asked {}
	counter carried {}
	chain input {
		type filter hook input priority 0
		udp dport { 3478, 3479 } @th,64,16 0x0003 counter name asked
		tcp dport { 3478, 3479 } counter name asked
		udp dport != { 3478, 3479 } counter name carried
	}
	chain output {
		type filter hook output priority 0
		udp sport != { 3478, 3479 } counter name carried
	}
}`

func TestDirectOnlyNeverTouchesTheRelay(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortRestricted, Viewer: natlab.PortRestricted})
	ctx := t.Context()
	must(t, s.Server.Filter(ctx, watchRelay))
	s.private()
	a := s.agent("agent", "test:")

	_, session := s.limited("direct", a, protocol.PathDirectOnly, "direct")
	s.leavesNothing(session.ID)

	cut := need(s.Town.Sever(ctx))(t)
	p := s.open("nowhere", s.hub.WatchURL(a.Device, s.tokenFor(a.Device, protocol.PathDirectOnly), ""))
	failed := within(t, atLast, "the failure", func() (rig.Session, error) { return s.newest(a.Device) }, func(r rig.Session) bool {
		return r.ID != session.ID && r.State == "ended"
	})
	if failed.Reason != string(protocol.ReasonICEFailed) {
		t.Errorf("without a direct path the session ended for %q, want ice_failed", failed.Reason)
	}
	need(p.Reads(ctx, "The networks in between let nothing through", soon))(t)
	must(t, p.Close(ctx))
	if touched := need(s.Server.Counters(ctx, "relay"))(t); touched["asked"].Packets+touched["carried"].Packets > 0 {
		t.Errorf("direct_only has touched the relay: %+v", touched)
	}

	// The counters count.
	s.limited("relay", a, protocol.PathPreferDirect, "relay")
	if touched := need(s.Server.Counters(ctx, "relay"))(t); touched["asked"].Packets == 0 || touched["carried"].Packets == 0 {
		t.Errorf("a relayed picture is not counted: %+v", touched)
	}
	must(t, cut.Mend(ctx))
}

func TestRelayOnlyTellsNoOtherCandidate(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.Open, Viewer: natlab.Open})
	ctx := t.Context()
	s.private()
	a := s.agent("agent", "test:")
	s.knowsItsNetwork(a, "open")
	p, _ := s.limited("relay", a, protocol.PathRelayOnly, "relay")
	eventually(t, "an allocation for each end", func() (int, error) { return s.hub.Allocations(ctx) }, func(n int) bool { return n == 2 })
	sent, got := s.candidates(p)
	for end, types := range map[string]map[string]int{"viewer": sent, "device": got} {
		if len(types) != 1 || types["relay"] == 0 {
			t.Errorf("the %s told candidates of the types %v, want relay alone", end, types)
		}
	}

	// What is looked for is there to be found.
	p, _ = s.limited("any", a, protocol.PathPreferDirect, "direct")
	if sent, got := s.candidates(p); sent["host"]+sent["srflx"] == 0 || got["host"]+got["srflx"] == 0 {
		t.Errorf("without the policy the ends told %v and %v, want host or srflx among them", sent, got)
	}
}

var candidateType = regexp.MustCompile(`candidate:[^"\\]*? typ (\w+)`)

// candidates counts, by their types, the candidates that a page told and was told.
func (s *stage) candidates(p *browser.Page) (sent, got map[string]int) {
	s.t.Helper()
	sent, got = map[string]int{}, map[string]int{}
	for _, m := range need(p.Signaled(s.t.Context()))(s.t) {
		for _, found := range candidateType.FindAllStringSubmatch(m.Data, -1) {
			if m.Sent {
				sent[found[1]]++
			} else {
				got[found[1]]++
			}
		}
	}
	return sent, got
}

// limited is looks for a viewer whose token has a path policy.
func (s *stage) limited(name string, a *rig.Agent, policy protocol.PathPolicy, path string) (*browser.Page, rig.Session) {
	s.t.Helper()
	p := s.open(name, s.hub.WatchURL(a.Device, s.tokenFor(a.Device, policy), ""))
	s.live(p, path)
	session := need(s.newest(a.Device))(s.t)
	return p, s.taken(session.ID, path)
}

func (s *stage) tokenFor(device string, policy protocol.PathPolicy) string {
	s.t.Helper()
	return need(s.hub.Token(s.t.Context(), device, "--path", string(policy)))(s.t)
}

// newest returns the session of a device that was opened last.
func (s *stage) newest(device string) (r rig.Session, err error) {
	list, err := s.api.Sessions(s.t.Context(), device)
	if err == nil && len(list) > 0 {
		r = list[0]
	}
	return r, err
}
