package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestAProjectShowsItsBudgetToItsOwnKey(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	w.plan = record.Plan{BudgetBytes: 100, UsedBytes: 100, Terms: record.Terms{
		Path: protocol.PathDirectOnly, RelayDelay: record.DelayOf(0), MaxRelay: time.Minute, MaxKbps: 4000, RelayHD: record.No,
	}}
	for key, id := range map[string]protocol.ProjectID{mine: "mine", theirs: "theirs"} {
		var got Project
		call(t, a, key, http.MethodGet, "/v1/project", "").decode(t, &got)
		want := Project{ID: id, Name: "project " + string(id), Path: PathPlan{Policy: protocol.PathDirectOnly, RelayDelayMS: new(int64), MaxRelayS: 60, RelayHD: new(bool)}, Relay: RelayPlan{BudgetBytes: 100, UsedBytes: 100, Exhausted: true, MaxKbps: 4000}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("project differs:\n%s", diff)
		}
	}
	wantProblem(t, call(t, a, "", http.MethodGet, "/v1/project", ""), http.StatusUnauthorized, protocol.CodeBadToken)
}
