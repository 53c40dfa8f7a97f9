package signal

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
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
	const otherPort = "stun:relay.example:3479"
	s := onSockets(t, func(c *Config) { c.STUN, c.DeviceSTUN = []string{otherSTUN}, []string{otherPort} })
	d := s.device(t, camera)
	check := func(w *protocol.Welcome) {
		t.Helper()
		want := []protocol.ICEServer{{URLs: []string{"stun:relay.example", otherSTUN, otherPort}}}
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

func TestATokensTermsAreThoseOfItsSessionsAlsoAfterARestart(t *testing.T) {
	s := onSockets(t, nil)
	s.setPlan(record.Plan{Terms: record.Terms{MaxRelay: time.Minute, MaxKbps: 500, RelayHD: record.Yes}})
	terms := record.Terms{Path: protocol.PathRelayOnly, MaxRelay: time.Hour, MaxKbps: 400}
	d, v := s.device(t, camera), s.viewer(t, func(v *auth.Viewer) { v.Terms = terms })
	v.open(1)
	want := protocol.Policy{Path: protocol.PathRelayOnly, MaxRelayS: 60, MaxKbps: 400, RelayHD: true}
	check := func(who string, got protocol.Policy) {
		t.Helper()
		if got.Expires = want.Expires; got != want {
			t.Errorf("%s: got %+v, want %+v", who, got, want)
		}
	}
	opened := body[*protocol.Opened](t, v.await(protocol.TypeOpened))
	invite := d.await(protocol.TypeInvite)
	m := body[*protocol.Invite](t, invite)
	check("opened", opened.Policy)
	check("invite", m.Policy)
	for _, urls := range [][]string{urlsOf(opened.ICEServers), urlsOf(m.ICEServers)} {
		if diff := cmp.Diff([]string{"turn:relay.example"}, urls); diff != "" {
			t.Errorf("servers of a session that only relays (-want +got):\n%s", diff)
		}
	}
	d.reply(invite, protocol.TypeReply, &protocol.Reply{})
	d.post(protocol.TypeDescribe, sessionID(1), &protocol.Describe{Revision: 1, Kind: protocol.DescribeAnswer, SDP: "v=0"})
	v.await(protocol.TypeDescribe)
	s.until(t, "the answer is kept", func() bool { return !s.row(sessionID(1)).Answered.IsZero() })

	s.stop(t)
	s.start(t)
	d = s.device(t, camera)
	d.post(protocol.TypeSync, sessionID(1), &protocol.Sync{Last: true})
	if got := body[*protocol.ICEServers](t, d.await(protocol.TypeICEServers)); len(got.ICEServers) != 1 || !hasRelay(got.ICEServers) {
		t.Errorf("after a restart: got %+v", got)
	}
	s.replan(t, record.Plan{Terms: record.Terms{MaxRelay: time.Minute, MaxKbps: 300}})
	want.MaxKbps, want.RelayHD = 300, false
	check("after a restart", *body[*protocol.Policy](t, d.await(protocol.TypePolicy)))
}

func TestAProjectsNewTermsReachLiveSessionsAtOnce(t *testing.T) {
	s := onSockets(t, nil)
	d := s.device(t, camera)
	v := s.going(t, d, 1, protocol.PathRelay)
	idle := s.viewer(t, nil)
	servers := func(p *peer, who string, want []string) {
		t.Helper()
		if diff := cmp.Diff(want, urlsOf(body[*protocol.ICEServers](t, p.await(protocol.TypeICEServers)).ICEServers)); diff != "" {
			t.Errorf("servers of %s (-want +got):\n%s", who, diff)
		}
	}
	step := func(terms record.Terms, want protocol.PathPolicy, unused []string, urls ...string) {
		t.Helper()
		s.replan(t, record.Plan{Project: project, Terms: terms})
		for _, end := range []*peer{v, d} {
			if got := body[*protocol.Policy](t, end.await(protocol.TypePolicy)); got.Path != want {
				t.Errorf("got the path %s, want %s", got.Path, want)
			}
			if urls != nil {
				servers(end, "an end under "+string(want), urls)
			}
		}
		servers(idle, "a viewer without a session under "+string(want), unused)
	}
	row := s.row(sessionID(1))
	relay, both := []string{"turn:relay.example"}, []string{"stun:relay.example", "turn:relay.example"}
	step(record.Terms{Path: protocol.PathRelayOnly}, protocol.PathRelayOnly, relay, relay...)
	step(record.Terms{}, protocol.PathPreferDirect, both, both...)
	step(record.Terms{Path: protocol.PathDirectOnly}, protocol.PathDirectOnly, both[:1])
	if !s.hasEnded(row.ViewerGrant) || !s.hasEnded(row.DeviceGrant) || !s.hasEnded(idle.welcome.Grant) {
		t.Error("a grant of a project without a relay is alive")
	}
	if row := s.row(sessionID(1)); !row.Ended.IsZero() {
		t.Errorf("the session has ended: %s", row.Reason)
	}
	s.replan(t, record.Plan{Project: project}) // what has lost the relay stays without
	s.replan(t, record.Plan{Project: project, Terms: record.Terms{MaxKbps: 7}})
	if got := body[*protocol.Policy](t, d.await(protocol.TypePolicy)); got.Path != protocol.PathDirectOnly || got.MaxKbps != 7 {
		t.Errorf("got %+v, want direct_only", got)
	}
}

func TestAnExtendBringsTheTermsOfItsToken(t *testing.T) {
	s := onSockets(t, nil)
	d, v := s.device(t, camera), s.viewer(t, nil)
	v.open(1)
	next := body[*protocol.Opened](t, v.await(protocol.TypeOpened)).NextGrant
	d.reply(d.await(protocol.TypeInvite), protocol.TypeReply, &protocol.Reply{})
	row := s.row(sessionID(1))
	v.ask(protocol.TypeExtend, sessionID(1), &protocol.Extend{
		Token: s.token(t, func(v *auth.Viewer) { v.Terms.Path = protocol.PathDirectOnly }),
	})
	for _, end := range []*peer{v, d} {
		if got := body[*protocol.Policy](t, end.await(protocol.TypePolicy)); got.Path != protocol.PathDirectOnly {
			t.Errorf("got the path %s, want direct_only", got.Path)
		}
	}
	s.until(t, "the relay is closed", func() bool {
		return s.hasEnded(row.ViewerGrant) && s.hasEnded(row.DeviceGrant) && s.hasEnded(next)
	})
	s.until(t, "the terms are kept", func() bool { return s.row(sessionID(1)).Terms.Path == protocol.PathDirectOnly })
}
