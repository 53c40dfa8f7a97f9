package turn

import (
	"context"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestDrainServesWhatLivesAndRefusesWhatIsNew(t *testing.T) {
	for _, transport := range []string{transportUDP, transportTCP} {
		t.Run(transport, func(t *testing.T) {
			h := start(t)
			peer := h.peer(t)
			creds := h.credentials(t, grantA, protocol.RoleViewer)
			relayed, err := h.dial(t, transport, creds).Allocate()
			if err != nil {
				t.Fatal(err)
			}
			done := make(chan int, 1)
			go func() { done <- h.Drain(t.Context()) }()
			eventually(t, "the drain", h.draining.Load)

			_, err = h.dial(t, transport, creds).Allocate()
			if err == nil || !strings.Contains(err.Error(), "508") {
				t.Errorf("a new allocation: got %v, want 508", err)
			}
			if got := h.metric(t, "sightline_turn_refused_allocations_total", "draining"); got != 1 {
				t.Errorf("%v refusals counted, want 1", got)
			}
			// A live one goes on, with new permissions too.
			other := h.peer(t)
			for range 3 {
				send(t, relayed, "still", other.LocalAddr())
				if got, from := receive(t, other); got != "still" {
					t.Errorf("peer got %q", got)
				} else {
					send(t, other, "here and now", from)
				}
				if got, _ := receive(t, relayed); got != "here and now" {
					t.Errorf("client got %q", got)
				}
			}
			send(t, relayed, "last", peer.LocalAddr())
			receive(t, peer)
			select {
			case <-done:
				t.Error("drained before its last allocation had ended")
			default:
			}
			if err := relayed.Close(); err != nil {
				t.Fatal(err)
			}
			if left := <-done; left != 0 {
				t.Errorf("%d left, want none", left)
			}
		})
	}
}

func TestDrainGivesUpWithItsContext(t *testing.T) {
	h := start(t)
	if _, err := h.dial(t, transportUDP, h.credentials(t, grantA, protocol.RoleViewer)).Allocate(); err != nil {
		t.Fatal(err)
	}
	over, cancel := context.WithCancel(t.Context())
	cancel()
	if left := h.Drain(over); left != 1 {
		t.Errorf("%d left, want 1", left)
	}
	if err := h.stop(); err != nil {
		t.Error(err)
	}
}
