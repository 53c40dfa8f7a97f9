package signal

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const otherSTUN = "stun:elsewhere.example:3478"

// urlsOf are the URLs of servers, in their order.
func urlsOf(servers []protocol.ICEServer) (urls []string) {
	for _, s := range servers {
		urls = append(urls, s.URLs...)
	}
	return urls
}

func TestADeviceIsWelcomedWithSTUNServersAlone(t *testing.T) {
	s := onSockets(t, func(c *Config) { c.STUN = []string{otherSTUN} })
	d := s.device(t, camera)
	check := func(w *protocol.Welcome) {
		t.Helper()
		want := []protocol.ICEServer{{URLs: []string{"stun:relay.example", otherSTUN}}}
		if diff := cmp.Diff(want, w.ICEServers); diff != "" || w.Path != "" || w.Grant != "" {
			t.Errorf("the path is %q, the grant %q, and the servers (-want +got):\n%s", w.Path, w.Grant, diff)
		}
	}
	check(d.welcome)
	d.hangUp()
	check(d.back(s.deviceHello(t, camera)).welcome)
}

func TestAViewersWelcomeTellsHowItsSessionsMayGo(t *testing.T) {
	all := []string{"stun:relay.example", otherSTUN, "turn:relay.example"}
	for _, test := range []struct {
		name  string
		plan  record.Plan
		path  protocol.PathPolicy
		delay int64
		urls  []string
	}{
		{"nothing said", record.Plan{}, protocol.PathPreferDirect, protocol.RelayDelay.Milliseconds(), all},
		{"relays at once", record.Plan{Terms: record.Terms{RelayDelay: record.DelayOf(0)}}, protocol.PathPreferDirect, 0, all},
		{"a delay", record.Plan{Terms: record.Terms{RelayDelay: record.DelayOf(time.Second)}}, protocol.PathPreferDirect, 1000, all},
		{"direct only", record.Plan{Terms: record.Terms{Path: protocol.PathDirectOnly}}, protocol.PathDirectOnly, 700, all[:2]},
		{"no budget", usedUp, protocol.PathDirectOnly, 700, all[:2]},
		{"relay only", record.Plan{Terms: record.Terms{Path: protocol.PathRelayOnly}}, protocol.PathRelayOnly, 0, all[2:]},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := onSockets(t, func(c *Config) { c.STUN = []string{otherSTUN} })
			s.setPlan(test.plan)
			v := s.viewer(t, nil)
			check := func(w *protocol.Welcome) {
				t.Helper()
				if diff := cmp.Diff(test.urls, urlsOf(w.ICEServers)); diff != "" || w.Path != test.path || w.RelayDelayMS != test.delay {
					t.Errorf("the path is %s after %d ms, and the servers (-want +got):\n%s", w.Path, w.RelayDelayMS, diff)
				}
			}
			check(v.welcome)
			v.hangUp()
			check(v.back(s.viewerHello(t, nil)).welcome)
		})
	}
}
