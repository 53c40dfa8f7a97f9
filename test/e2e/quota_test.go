//go:build linux

package e2e

import (
	"syscall"
	"testing"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/test/rig"
)

func TestAUsedUpBudgetEndsRelayedPicturesAndNoDirectOnes(t *testing.T) {
	s := enter(t)
	ctx := t.Context()
	a := s.agent("agent", "test:")
	direct := s.watch("direct", a, "", "direct")
	relayed := s.watch("relayed", a, "?ice=relay", "relay")
	s.budget("0.001")
	need(relayed.Until(ctx, "closed", "", later))(t)
	need(relayed.Reads(ctx, "The plan is used up", soon))(t)
	eventually(t, "the end of the relayed session alone", func() ([]rig.Session, error) {
		return s.api.Sessions(ctx, a.Device)
	}, func(all []rig.Session) bool {
		return len(all) == 2 && all[0].Reason == "quota" && all[0].Path.Kind == "relay" && all[1].State == "answered"
	})
	s.live(direct, "direct")
	s.watch("another", a, "", "direct")
	nowhere := s.open("nowhere", s.hub.WatchURL(a.Device, s.token(a.Device), "?ice=relay"))
	need(nowhere.Until(ctx, "closed", "", atLast))(t)
	need(nowhere.Reads(ctx, "The plan is used up", soon))(t)

	// The relay refuses test sessions too, until the server knows of the larger budget.
	c := s.turnClient()
	c.greet()
	if code := c.refusal(stun.MethodAllocate, requestedUDP); code == 0 {
		t.Error("an allocation on a used-up budget")
	}
	s.budget("0")
	eventually(t, "an allocation", func() (stun.ErrorCode, error) {
		return c.refusal(stun.MethodAllocate, requestedUDP), nil
	}, func(code stun.ErrorCode) bool { return code == 0 })
	s.watch("relayed again", a, "?ice=relay", "relay")
}

// budget sets how many gigabytes the default project may send through the relay.
func (s *stage) budget(gigabytes string) {
	s.t.Helper()
	s.project("--relay-gb", gigabytes)
}

func TestADrainingRelayKeepsThePictureAndTakesNobodyNew(t *testing.T) {
	s := enter(t, "--relay-drain", "2m")
	ctx := t.Context()
	a := s.agent("agent", "test:")
	p := s.watch("viewer", a, "?ice=relay", "relay")
	late := s.turnClient()
	must(t, s.hub.Signal(syscall.SIGTERM))
	need(p.Grow(ctx, 300, later))(t) // 10 s and more, of which the hub takes 1 or 2 to stop
	late.greet()
	if code := late.refusal(stun.MethodAllocate, requestedUDP); code != stun.CodeInsufficientCapacity {
		t.Errorf("a new allocation: got code %d, want 508", code)
	}
	select {
	case <-s.hub.Done():
		t.Error("the hub has ended while a picture was relayed")
	default:
	}
	must(t, s.hub.Stop()) // The second signal does not wait.
}
