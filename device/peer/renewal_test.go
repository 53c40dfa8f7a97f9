package peer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestNetworkThatFlapsDoesNotCostThePictureEachTime(t *testing.T) {
	begin := time.Now()
	var r renewal
	var asked []time.Duration
	for now := begin; now.Sub(begin) < 3*time.Minute; now = now.Add(time.Second) {
		r.want(now)
		if at := r.due(); !at.IsZero() && !at.After(now) {
			asked = append(asked, now.Sub(begin).Round(time.Second))
			r.ask(now)
		}
	}
	want := []time.Duration{0, 5 * time.Second, 15 * time.Second, 35 * time.Second, 75 * time.Second, 155 * time.Second}
	if diff := cmp.Diff(want, asked); diff != "" {
		t.Errorf("wishes: %s", diff)
	}
	calm := begin.Add(time.Hour)
	r.want(calm)
	r.ask(calm)
	r.want(calm.Add(time.Second))
	if got := r.due().Sub(calm); got != renewalPause {
		t.Errorf("pause after an hour of calm: got %v, want %v", got, renewalPause)
	}
}

func TestNewGenerationFulfilsTheWish(t *testing.T) {
	var r renewal
	r.want(time.Now())
	r.fulfil()
	if got := r.due(); !got.IsZero() {
		t.Errorf("due: got %v, want never", got)
	}
}

func TestWishForARestartDoesNotEndASessionThatWorks(t *testing.T) {
	now := time.Now()
	l := lifecycle{
		cfg: Config{}.withDefaults(), answered: now, secured: true,
		ice: webrtc.ICEConnectionStateConnected, since: now,
	}
	l.renewal.want(now)
	if got, want := l.next(), (step{renew, now, ""}); got != want {
		t.Fatalf("got %+v, want %+v", got, want)
	}
	l.renewal.ask(now)
	if got := l.next(); got.action != wait {
		t.Errorf("after the wish: got %+v, want nothing", got)
	}
	l.enter(webrtc.ICEConnectionStateFailed, now.Add(time.Minute))
	if got := l.next().action; got != restart {
		t.Errorf("a failure after the wish: got action %d, want %d", got, restart)
	}
}

func TestForbiddenPathEndsTheSessionUnlessAnotherIsFound(t *testing.T) {
	now := time.Now()
	l := lifecycle{
		cfg: Config{}.withDefaults(), answered: now, secured: true, forbidden: now,
		ice: webrtc.ICEConnectionStateConnected, since: now,
	}
	if got, want := l.next(), (step{end, now.Add(20 * time.Second), protocol.ReasonICEFailed}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func TestTimeOverRelaysIsBounded(t *testing.T) {
	now := time.Now()
	c := relayClock{most: time.Minute}
	c.move(true, now)
	c.move(true, now.Add(10*time.Second))
	c.move(false, now.Add(20*time.Second))
	if got := c.end(); !got.IsZero() {
		t.Errorf("end on the direct path: got %v, want never", got)
	}
	c.move(true, now.Add(time.Hour))
	l := lifecycle{answered: now, ice: webrtc.ICEConnectionStateConnected, secured: true, relay: c}
	if got, want := l.next(), (step{end, now.Add(time.Hour + 40*time.Second), protocol.ReasonQuota}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}
