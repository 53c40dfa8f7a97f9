package peer

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestLifecycleSaysWhatIsDue(t *testing.T) {
	cfg := Config{}.withDefaults()
	opened := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	after := opened.Add
	const (
		checking     = webrtc.ICEConnectionStateChecking
		connected    = webrtc.ICEConnectionStateConnected
		disconnected = webrtc.ICEConnectionStateDisconnected
		failed       = webrtc.ICEConnectionStateFailed
	)
	tests := map[string]struct {
		life lifecycle
		want step
	}{
		"no offer": {
			lifecycle{},
			step{end, after(30 * time.Second), protocol.ReasonTimeout},
		},
		"a lease that ends before anything else": {
			lifecycle{expires: after(time.Second)},
			step{end, after(time.Second), protocol.ReasonExpired},
		},
		"trying with relays left": {
			lifecycle{answered: after(time.Second), ice: checking, trying: true, relays: true},
			step{restart, after(5 * time.Second), ""},
		},
		"trying with candidates that came after the answer": {
			lifecycle{answered: after(time.Second), heard: after(3 * time.Second), ice: checking, trying: true, relays: true},
			step{restart, after(7 * time.Second), ""},
		},
		"trying with candidates that came too late to wait for": {
			lifecycle{answered: after(time.Second), heard: after(time.Minute), ice: checking, trying: true, relays: true},
			step{restart, after(9 * time.Second), ""},
		},
		"trying with candidates that came before the answer": {
			lifecycle{answered: after(time.Second), heard: opened, ice: checking, trying: true, relays: true},
			step{restart, after(5 * time.Second), ""},
		},
		"trying in a network that lets no UDP out": {
			lifecycle{answered: after(time.Second), ice: checking, trying: true, relays: true, blocked: true},
			step{restart, after(time.Second), ""},
		},
		"trying in a network where no STUN server has answered": {
			lifecycle{answered: after(time.Second), ice: checking, trying: true, relays: true, unheard: true},
			step{restart, after(2 * time.Second), ""},
		},
		"trying without relays": {
			lifecycle{answered: after(time.Second), ice: checking, trying: true},
			step{},
		},
		"connected, DTLS open": {
			lifecycle{answered: after(time.Second), ice: connected, since: after(2 * time.Second)},
			step{end, after(17 * time.Second), protocol.ReasonICEFailed},
		},
		"connected and secured": {
			lifecycle{answered: after(time.Second), ice: connected, secured: true, relays: true},
			step{},
		},
		"disconnected": {
			lifecycle{answered: after(time.Second), ice: disconnected, secured: true, relays: true},
			step{},
		},
		"failed": {
			lifecycle{answered: after(time.Second), ice: failed, since: after(time.Minute), secured: true},
			step{restart, after(time.Minute), ""},
		},
		"failed and asked": {
			lifecycle{answered: after(time.Second), ice: failed, since: after(time.Minute), asked: after(time.Minute)},
			step{end, after(80 * time.Second), protocol.ReasonICEFailed},
		},
		"failed again": {
			lifecycle{answered: after(time.Second), ice: failed, since: after(70 * time.Second), asked: after(time.Minute)},
			step{end, after(70 * time.Second), protocol.ReasonICEFailed},
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			test.life.cfg, test.life.opened = cfg, opened
			if got := test.life.next(); got != test.want {
				t.Errorf("got %+v, want %+v", got, test.want)
			}
		})
	}
}

func TestConnectionRenewsTheRestart(t *testing.T) {
	now := time.Now()
	l := lifecycle{cfg: Config{}.withDefaults(), answered: now, asked: now, trying: true, secured: true}
	l.enter(webrtc.ICEConnectionStateConnected, now)
	l.enter(webrtc.ICEConnectionStateFailed, now.Add(time.Hour))
	if got := l.next().action; got != restart {
		t.Errorf("a failure after a connection: got action %d, want %d", got, restart)
	}
}

func TestARestartHasWhatTheOfferTookInAddition(t *testing.T) {
	asked := time.Now()
	l := lifecycle{cfg: Config{}.withDefaults(), answered: asked, asked: asked, ice: webrtc.ICEConnectionStateChecking}
	for _, offer := range []time.Duration{3 * time.Second, 10 * time.Second} { // the first tells
		l.answer(true, asked.Add(offer))
		if got, want := l.next(), (step{end, asked.Add(23 * time.Second), protocol.ReasonICEFailed}); got != want {
			t.Errorf("an answer %v after the wish: got %+v, want %+v", offer, got, want)
		}
	}
}
