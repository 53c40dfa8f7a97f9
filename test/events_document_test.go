package test

import (
	"bytes"
	"encoding/json"
	"os"
	"reflect"
	"regexp"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/record"
)

// eventData is the data of each kind.
var eventData = map[record.EventKind]any{
	record.EventDeviceOnline: record.PresenceEvent{}, record.EventDeviceSuspect: record.PresenceEvent{}, record.EventDeviceOffline: record.PresenceEvent{},
	record.EventDeviceEnrolled: record.EnrolledEvent{}, record.EventDeviceDeleted: record.DeletedEvent{}, record.EventDeviceAlert: record.AlertEvent{},
	record.EventSessionOpened: record.OpenedEvent{}, record.EventSessionLive: record.LiveEvent{}, record.EventSessionPath: record.PathEvent{},
	record.EventSessionEnded: record.EndedEvent{}, record.EventUsageReport: record.UsageEvent{},
	record.EventBudgetWarning: record.BudgetEvent{}, record.EventBudgetExhausted: record.BudgetEvent{}, record.EventKeyRevoked: record.KeyEvent{},
}

func TestTheDocumentShowsEveryMemberOfEveryKindOfEvent(t *testing.T) {
	text, err := os.ReadFile("../docs/api.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := map[reflect.Type]map[string]bool{} // members by type
	kinds := map[record.EventKind]bool{}
	for _, line := range regexp.MustCompile(`(?m)^\{"kind": ".*$`).FindAll(text, -1) {
		var event struct {
			Kind record.EventKind
			Data json.RawMessage
		}
		if err := json.Unmarshal(line, &event); err != nil {
			t.Fatalf("%s: %v", line, err)
		}
		data, known := eventData[event.Kind]
		if !known {
			t.Errorf("there is no kind %q", event.Kind)
			continue
		}
		kinds[event.Kind] = true
		typ := reflect.TypeOf(data)
		strict := json.NewDecoder(bytes.NewReader(event.Data))
		strict.DisallowUnknownFields()
		if err := strict.Decode(reflect.New(typ).Interface()); err != nil {
			t.Errorf("%s: %v", line, err)
		}
		if shown[typ] == nil {
			shown[typ] = map[string]bool{}
		}
		var members map[string]any
		if err := json.Unmarshal(event.Data, &members); err != nil {
			t.Fatal(err)
		}
		for name := range members {
			shown[typ][name] = true
		}
	}
	for _, kind := range record.EventKinds {
		if !kinds[kind] {
			t.Errorf("docs/api.md shows no %s", kind)
		}
		if eventData[kind] == nil {
			t.Errorf("%s has no data", kind)
		}
	}
	for typ, members := range shown {
		for i := range typ.NumField() {
			name, _, _ := bytes.Cut([]byte(typ.Field(i).Tag.Get("json")), []byte(","))
			if !members[string(name)] {
				t.Errorf("docs/api.md does not show %s of %s", name, typ.Name())
			}
		}
	}
}

// The API's parameters and the SDK list the kinds by themselves: a new one is forgotten in none of them.
func TestTheListOfKindsIsTheSameEverywhere(t *testing.T) {
	document, err := os.ReadFile("../api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	lists := 0
	for _, text := range regexp.MustCompile(`"enum": (\[[^\]]*"device\.online"[^\]]*\])`).FindAllSubmatch(document, -1) {
		var got []record.EventKind
		if err := json.Unmarshal(text[1], &got); err != nil {
			t.Fatal(err)
		}
		lists++
		if diff := cmp.Diff(record.EventKinds, got); diff != "" {
			t.Errorf("api/openapi.json (-want +got):\n%s", diff)
		}
	}
	if lists < 4 { // two of events, two of webhooks
		t.Errorf("api/openapi.json has %d lists of kinds", lists)
	}
	source, err := os.ReadFile("../sdk/go/event.go")
	if err != nil {
		t.Fatal(err)
	}
	var got []record.EventKind
	for _, name := range regexp.MustCompile(`EventKind = "([^"]+)"`).FindAllSubmatch(source, -1) {
		got = append(got, record.EventKind(name[1]))
	}
	if !slices.Equal(got, record.EventKinds) {
		t.Errorf("sdk/go/event.go has the kinds %v", got)
	}
}
