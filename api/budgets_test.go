package api

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// addOperator makes a key of an operator's.
func (w *world) addOperator(t *testing.T) string {
	t.Helper()
	_, plain, err := w.CreateKey(t.Context(), record.Key{Project: "mine", Scopes: []record.Scope{record.ScopeOperator}})
	if err != nil {
		t.Fatal(err)
	}
	return plain.Reveal()
}

func TestAProjectSeesItsBudgetsAndAnOperatorChangesThem(t *testing.T) {
	w, a, mine, _ := newWorld(t)
	operator := w.addOperator(t)
	w.plan = record.Plan{UsedBytes: 90, UsedTime: 90 * time.Second, HeldBytes: 5}
	var got Budgets
	call(t, a, mine, http.MethodGet, "/v1/budgets", "").decode(t, &got)
	want := Budgets{Period: testTime.UTC().Format("2006-01"), RelayBytes: Budget{Used: 90, Reserved: 5}, RelayMinutes: Budget{Used: 1.5}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("budgets (-want +got):\n%s", diff)
	}
	for method, path := range map[string]string{http.MethodPatch: "/v1/projects/mine/budgets", http.MethodPost: "/v1/projects/mine/points"} {
		wantProblem(t, call(t, a, mine, method, path, `{"points": 5}`), http.StatusForbidden, protocol.CodeForbidden)
	}
	answer := call(t, a, operator, http.MethodPatch, "/v1/projects/mine/budgets",
		`{"relay_bytes": 100, "relay_minutes": 2.5, "sessions": 3}`)
	answer.decode(t, &got)
	limit, minutes, sessions := 100.0, 2.5, 3
	want.RelayBytes.Limit, want.RelayMinutes.Limit, want.Sessions.Limit, want.Low = &limit, &minutes, &sessions, true
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("budgets (-want +got):\n%s", diff)
	}
	tag := answer.Header().Get("ETag")
	if tag == "" || tag != call(t, a, mine, http.MethodGet, "/v1/budgets", "").Header().Get("ETag") {
		t.Errorf("the tag %q is not that of the budgets", tag)
	}
	wantStatus(t, call(t, a, operator, http.MethodPatch, "/v1/projects/mine/budgets", `{"relay_bytes": 0}`), http.StatusOK)
	if again := call(t, a, mine, http.MethodGet, "/v1/budgets", "").Header().Get("ETag"); again == tag {
		t.Error("the tag of other budgets is the same")
	}
}

func TestPointsAreAddedByAnOperatorAndAreInTheLedger(t *testing.T) {
	w, a, mine, theirs := newWorld(t)
	operator := w.addOperator(t)
	added := call(t, a, operator, http.MethodPost, "/v1/projects/mine/points", `{"points": 2.5, "reference": "invoice 7", "note": "paid"}`)
	wantStatus(t, added, http.StatusCreated)
	var entry Entry
	added.decode(t, &entry)
	want := Entry{Seq: 1, Kind: record.EntryGrant, At: testTime, Amount: 2.5, Balance: 2.5, Reference: "invoice 7", Note: "paid"}
	if diff := cmp.Diff(want, entry); diff != "" {
		t.Errorf("entry (-want +got):\n%s", diff)
	}
	for key, entries := range map[string][]Entry{mine: {want}, theirs: {}} {
		var got struct{ Entries []Entry }
		call(t, a, key, http.MethodGet, "/v1/ledger?kind=grant", "").decode(t, &got)
		if diff := cmp.Diff(entries, got.Entries); diff != "" {
			t.Errorf("ledger (-want +got):\n%s", diff)
		}
	}
	var budgets Budgets
	call(t, a, mine, http.MethodGet, "/v1/budgets", "").decode(t, &budgets)
	if budgets.Points == nil || budgets.Points.Balance != 2.5 {
		t.Errorf("got %+v", budgets)
	}
	wantProblem(t, call(t, a, operator, http.MethodPost, "/v1/projects/mine/points", `{"points": 0}`), http.StatusUnprocessableEntity, protocol.CodeInvalid)
}
