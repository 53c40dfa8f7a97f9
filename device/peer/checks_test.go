package peer

import (
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// runChecks runs checks for a time and returns when, after the beginning, each went out.
func runChecks(c *checks, begin time.Time, lasting time.Duration) []time.Duration {
	var list []time.Duration
	for now := c.next(); !now.IsZero() && now.Sub(begin) < lasting; now = c.next() {
		for range c.due(now) {
			list = append(list, now.Sub(begin))
		}
	}
	return list
}

func TestChecksAreFastAtFirstAndGoOnSlowly(t *testing.T) {
	begin := time.Now()
	var c checks
	c.add(at("8.8.8.8", 0), false, begin)
	got := runChecks(&c, begin, time.Minute)
	fast := int(checkFast / checkEvery)
	if len(got) < fast+4 {
		t.Fatalf("checks: got %d, want more than %d", len(got), fast+3)
	}
	if want := time.Duration(fast-1) * checkEvery; got[fast-1] != want {
		t.Errorf("last fast check: got %v, want %v", got[fast-1], want)
	}
	var pauses []time.Duration
	for n := fast; n < len(got)-1; n++ {
		pauses = append(pauses, got[n+1]-got[n])
	}
	for _, pause := range pauses {
		if pause < checkSlow || pause > maxCheckSlow {
			t.Errorf("slow pauses: got %v, want %v to %v", pauses, checkSlow, maxCheckSlow)
			break
		}
	}
}

func TestLostPathBeginsChecksAnew(t *testing.T) {
	begin := time.Now()
	var c checks
	c.add(at("8.8.8.8", 0), false, begin)
	runChecks(&c, begin, time.Hour)
	c.resume(begin.Add(time.Hour))
	if got, want := len(runChecks(&c, begin.Add(time.Hour), checkFast)), int(checkFast/checkEvery); got != want {
		t.Errorf("checks after the path was lost: got %d, want %d", got, want)
	}
}

func TestNamedCandidateIsNoPrediction(t *testing.T) {
	var c checks
	for _, to := range following(at("8.8.8.8", 0)) {
		c.add(to, true, time.Now())
	}
	c.add(at("8.8.8.8", 3), false, time.Now())
	if c.predicts(at("8.8.8.8", 3)) || !c.predicts(at("8.8.8.8", 4)) || c.predicts(at("8.8.8.8", 17)) {
		t.Error("predictions: want the 16 that follow but the one that was named")
	}
	if got := c.predictions(); got != predictedPorts-1 {
		t.Errorf("predictions: got %d, want %d", got, predictedPorts-1)
	}
	c.clear()
	if got := c.next(); !got.IsZero() {
		t.Errorf("next check without candidates: got %v, want never", got)
	}
}

func TestPredictedPortsGoAroundTheServicesPorts(t *testing.T) {
	got := following(netip.MustParseAddrPort("8.8.8.8:65534"))[:3]
	want := []uint16{65535, 1024, 1025}
	for n := range want {
		if got[n].Port() != want[n] {
			t.Errorf("port %d: got %d, want %d", n, got[n].Port(), want[n])
		}
	}
}

func TestCheckIsOneThatTheViewersICETakes(t *testing.T) {
	raw, err := credentials{local: "device", remote: "viewer", password: "secret", tieBreaker: 7}.request()
	if err != nil {
		t.Fatalf("build: %v", err)
	}
	m := &stun.Message{Raw: raw}
	if err := m.Decode(); err != nil {
		t.Fatalf("decode: %v", err)
	}
	if m.Type != stun.BindingRequest {
		t.Errorf("type: got %s, want a binding request", m.Type)
	}
	var user stun.Username
	if err := user.GetFrom(m); err != nil || user.String() != "viewer:device" {
		t.Errorf("user: got %q, %v, want viewer:device", user, err)
	}
	if err := stun.NewShortTermIntegrity("secret").Check(m); err != nil {
		t.Errorf("integrity: %v", err)
	}
	if err := stun.Fingerprint.Check(m); err != nil {
		t.Errorf("fingerprint: %v", err)
	}
	got := map[stun.AttrType][]byte{}
	for _, kind := range []stun.AttrType{stun.AttrICEControlled, stun.AttrPriority, stun.AttrUseCandidate} {
		if value, err := m.Get(kind); err == nil {
			got[kind] = value
		}
	}
	want := map[stun.AttrType][]byte{
		stun.AttrICEControlled: {0, 0, 0, 0, 0, 0, 0, 7}, stun.AttrPriority: {110, 255, 255, 255},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("attributes: %s", diff)
	}
}

func TestPredictionsWaitWhereTheDevicesOwnNATWouldSpendItsPortsOnThem(t *testing.T) {
	begin := time.Now()
	p := Peer{network: protocol.Network{Mapping: protocol.NATAddressAndPort}}
	p.aim(candidate{address: at("8.8.8.8", 0), reflexive: true}, begin)
	p.checks.resume(begin)
	if got := p.checks.due(begin); len(got) != 1 || got[0].address != at("8.8.8.8", 0) {
		t.Errorf("checks at once: got %v, want the candidate that was named", got)
	}
	if got := p.checks.due(begin.Add(namedFirst)); len(got) != 1+predictedPorts {
		t.Errorf("checks later: got %d, want %d", len(got), 1+predictedPorts)
	}
	if got := predictionsWait(protocol.Network{Mapping: protocol.NATEndpointIndependent}); got != 0 {
		t.Errorf("wait behind another NAT: got %v, want none", got)
	}
}

func TestPortsAreNotPredictedForADeviceThatAnyPortReaches(t *testing.T) {
	for filtering, want := range map[protocol.NATBehaviour]int{
		"": 17, protocol.NATAddressAndPort: 17, protocol.NATAddressDependent: 1, protocol.NATEndpointIndependent: 1,
	} {
		p := Peer{network: protocol.Network{Filtering: filtering}}
		p.aim(candidate{address: at("8.8.8.8", 0), reflexive: true}, time.Now())
		if got := len(p.checks.targets); got != want {
			t.Errorf("addresses with filtering %q: got %d, want %d", filtering, got, want)
		}
	}
	p := Peer{}
	p.aim(candidate{address: at("2001:db8::1", 0), reflexive: true}, time.Now())
	if got := len(p.checks.targets); got != 1 {
		t.Errorf("addresses of IPv6: got %d, want 1", got)
	}
}

func TestPredictionsAreBounded(t *testing.T) {
	var p Peer
	for n := range 64 {
		p.aim(candidate{address: at("8.8.8.8", 100*n), reflexive: true}, time.Now())
	}
	if got := p.checks.predictions(); got != maxPredicted {
		t.Errorf("predictions: got %d, want %d", got, maxPredicted)
	}
}
