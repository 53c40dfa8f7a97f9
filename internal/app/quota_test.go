package app

import (
	"runtime"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestATestSessionHasTheRelayWhileThereIsBudget(t *testing.T) {
	r := serve(t, settings(t))
	ctx := t.Context()
	grants, err := r.store.CreateTestGrants(ctx, protocol.DefaultProject, 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	used := record.Usage{
		Allocation: "a", Grant: grants[0], Role: protocol.RoleViewer, Transport: "udp", Started: time.Now(), Updated: time.Now(),
		Traffic: record.Traffic{UpBytes: 10, UpPackets: 1},
	}
	if err := r.store.Record(ctx, []record.Usage{used}); err != nil {
		t.Fatal(err)
	}
	for _, step := range []struct {
		budget uint64
		want   bool
	}{{0, true}, {10, false}, {11, true}} {
		if err := r.store.SetPlan(ctx, protocol.DefaultProject, store.PlanChange{BudgetBytes: &step.budget}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; runtime.Gosched() {
			if _, ok := r.grant(ctx, grants[0]); ok == step.want {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("with a budget of %d the grant is good: %t", step.budget, !step.want)
			}
		}
	}
}

func TestATestSessionHasNoRelayInAProjectThatGoesDirectOnly(t *testing.T) {
	r := serve(t, settings(t))
	ctx := t.Context()
	grants, err := r.store.CreateTestGrants(ctx, protocol.DefaultProject, 1, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	kbps := 64
	for path, want := range map[protocol.PathPolicy]bool{
		protocol.PathDirectOnly: false, protocol.PathRelayOnly: true, protocol.PathPreferDirect: true,
	} {
		if err := r.store.SetPlan(ctx, protocol.DefaultProject, store.PlanChange{Path: &path, MaxKbps: &kbps}); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; runtime.Gosched() {
			found, ok := r.grant(ctx, grants[0])
			if ok == want && found.Terms.Path == path && found.Terms.MaxKbps == kbps {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("%s: got %+v, %t", path, found, ok)
			}
		}
	}
}
