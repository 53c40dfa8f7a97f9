//go:build linux

package e2e

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/soak"
)

// Routers forget UDP that is silent for 20 s. Nobody looks for longer than that, and the camera is still where it was.
func TestADeviceThatNobodyLooksAtKeepsItsPortOutside(t *testing.T) {
	s := town(t, natlab.TownConfig{Device: natlab.PortChanging, Viewer: natlab.PortRestricted, UDPTimeout: 20 * time.Second}, lateRelay...)
	ctx := t.Context()
	s.private()
	a := s.agent("agent", "test:")
	p, session := s.looks("early", a, "direct", "ice")
	before := s.remote(p)
	s.leavesNothing(session.ID)
	must(t, p.Close(ctx))

	wait(ctx, soak.Duration(25*time.Second, 5*time.Minute))
	p, session = s.looks("late", a, "direct", "ice")
	if after := s.remote(p); after != before {
		t.Errorf("the device is at %+v, was at %+v: want the same", after, before)
	}
	s.leavesNothing(session.ID)
}
