package uplink

import (
	"testing"
	"testing/synctest"
	"time"
)

func TestLinkThatDoesNotGoOnIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Link
		if err := l.Stuck(); err != nil {
			t.Errorf("before it runs: %v", err)
		}
		l.vitals.within(5 * time.Minute) // the wait after a refusal
		time.Sleep(5*time.Minute + grace)
		if err := l.Stuck(); err != nil {
			t.Errorf("while it waits: %v", err)
		}
		time.Sleep(time.Second)
		if err := l.Stuck(); err == nil {
			t.Error("got no error when it had to be back")
		}
		l.vitals.ended()
		if err := l.Stuck(); err != nil {
			t.Errorf("after its end: %v", err)
		}
	})
}

func TestHandlerThatDoesNotReturnIsStuck(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var l Link
		l.vitals.takes(time.Now())
		time.Sleep(grace + time.Second)
		if err := l.Stuck(); err == nil {
			t.Error("got no error of a message that is never done")
		}
		l.vitals.takes(time.Time{})
		if err := l.Stuck(); err != nil {
			t.Errorf("after it: %v", err)
		}
	})
}
