package test

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// bodies are what the doors carry besides the messages of a link.
var bodies = map[string]any{
	"Envelope": protocol.Envelope{},
	"Parcel":   protocol.Parcel{}, "Receipt": protocol.Receipt{}, "Poll": protocol.Poll{},
	"Delivery": protocol.Delivery{}, "Farewell": protocol.Farewell{},
}

func TestAsyncAPIHasEveryMessageWithItsClassAndItsWay(t *testing.T) {
	d := readAsyncAPI(t)
	var travels []string // on some way
	for _, way := range []string{"fromViewer", "fromDevice", "toViewer", "toDevice"} {
		for _, m := range d.at("operations", way)["messages"].(list) {
			ref := m.(object)["$ref"].(string)
			travels = append(travels, ref[strings.LastIndex(ref, "/")+1:])
		}
	}
	listed := d.at("channels", "link", "messages")
	for _, typ := range protocol.Types() {
		name := string(typ)
		if listed[name] == nil || !slices.Contains(travels, name) {
			t.Errorf("%s is in no channel or no operation", name)
			continue
		}
		class := map[protocol.Class]string{
			protocol.ClassControl: "control", protocol.ClassState: "state", protocol.ClassSequenced: "sequenced",
			protocol.ClassEvent: "event", protocol.ClassVolatile: "volatile",
		}[(&protocol.Envelope{Type: typ}).Class()]
		if got, _, _ := strings.Cut(d.at("components", "messages", name)["x-class"].(string), ";"); got != class {
			t.Errorf("%s is %s, want %s", name, got, class)
		}
	}
	if len(listed) != len(protocol.Types()) {
		t.Errorf("the channel has %d messages, the protocol %d", len(listed), len(protocol.Types()))
	}
}

func TestGoldenMessagesAreAsAsyncAPISays(t *testing.T) {
	d := readAsyncAPI(t)
	for name, b := range goldenMessages(t) {
		for _, fault := range d.message(b) {
			t.Errorf("%s: %s", name, fault)
		}
	}
}

func TestAsyncAPIFindsWhatIsNoMessage(t *testing.T) {
	d := readAsyncAPI(t)
	for name, message := range map[string]string{
		"no type":                 `{}`,
		"unknown type":            `{"type":"shout"}`,
		"no seq":                  `{"type":"close","session":"0192f0c1-2b3c-7d4e-8f50-617283940a1b","data":{"reason":"timeout"}}`,
		"seq of 0":                `{"type":"ack","ack":0}`,
		"no reason":               `{"type":"close","seq":1,"session":"0192f0c1-2b3c-7d4e-8f50-617283940a1b","data":{}}`,
		"unknown reason":          `{"type":"close","seq":1,"session":"0192f0c1-2b3c-7d4e-8f50-617283940a1b","data":{"reason":"bored"}}`,
		"session is no UUID":      `{"type":"extend","seq":1,"id":1,"session":"x"}`,
		"unknown code":            `{"type":"error","data":{"code":"x","message":""}}`,
		"message is a number":     `{"type":"error","data":{"code":"internal","message":1}}`,
		"time without a zone":     `{"type":"event","data":{"event":1,"kind":"x","at":"2026-11-21T12:34:56"}}`,
		"half an event":           `{"type":"event","data":{"event":1.5,"kind":"x","at":"2026-11-21T12:34:56Z"}}`,
		"another version":         `{"type":"hello","data":{"version":2,"role":"viewer","token":"","client":{"name":""}}}`,
		"a name that is too long": `{"type":"hello","data":{"version":1,"role":"viewer","token":"","client":{"name":"` + strings.Repeat("a", 129) + `"}}}`,
	} {
		if len(d.message([]byte(message))) == 0 {
			t.Errorf("%s: found nothing", name)
		}
	}
}

func TestAsyncAPIAgreesWithTheGoTypes(t *testing.T) {
	d := readAsyncAPI(t)
	seen := map[reflect.Type]bool{}
	for name, body := range bodies {
		d.agree(t, reflect.TypeOf(body), object{"$ref": "#/components/schemas/" + name}, name, seen)
	}
	for name, b := range goldenMessages(t) {
		e, body, err := protocol.Decode(b)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if body == nil {
			continue
		}
		specific := d.at("components", "messages", string(e.Type), "payload")["allOf"].(list)[1].(object)
		data, ok := specific["properties"].(object)["data"].(object)
		if !ok {
			t.Errorf("%s has no data", e.Type)
			continue
		}
		d.agree(t, reflect.TypeOf(body).Elem(), data, string(e.Type), seen)
	}
}

// agree compares a schema with a Go type: the same fields, required if they are always written, the same kinds, and for
// a type with constants the same values.
func (d asyncAPI) agree(t *testing.T, typ reflect.Type, schema object, at string, seen map[reflect.Type]bool) {
	t.Helper()
	schema = d.resolve(schema)
	if typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}
	if kind := jsonKind(typ); kind != "" && schema["type"] != kind && schema["const"] == nil {
		t.Errorf("%s is %v, want %s", at, schema["type"], kind)
	}
	switch typ.Kind() {
	case reflect.Struct:
		if jsonKind(typ) == "string" {
			return // a time
		}
		if seen[typ] {
			return
		}
		seen[typ] = true
		d.agreeFields(t, typ, schema, at, seen)
	case reflect.Slice:
		if items, ok := schema["items"].(object); ok && typ.Elem() != reflect.TypeFor[json.RawMessage]() {
			d.agree(t, typ.Elem(), items, at+"[]", seen)
		}
	default:
		want := constants(t)[typ.Name()]
		if len(want) == 0 || typ == reflect.TypeFor[protocol.Type]() { // of which there is a message each
			return
		}
		got := listed(schema)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s, values (-Go +AsyncAPI):\n%s", at, diff)
		}
	}
}

func (d asyncAPI) agreeFields(t *testing.T, typ reflect.Type, schema object, at string, seen map[reflect.Type]bool) {
	t.Helper()
	properties, _ := schema["properties"].(object)
	var fields, required []string
	for field := range typ.Fields() {
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		if !field.IsExported() || name == "" {
			continue
		}
		fields = append(fields, name)
		if !strings.HasPrefix(options, "omit") {
			required = append(required, name)
		}
		if property, ok := properties[name].(object); ok {
			d.agree(t, field.Type, property, at+"."+name, seen)
		}
	}
	slices.Sort(fields)
	if diff := cmp.Diff(fields, slices.Sorted(maps.Keys(properties))); diff != "" {
		t.Errorf("%s, fields (-Go +AsyncAPI):\n%s", at, diff)
	}
	if diff := cmp.Diff(required, words(schema["required"])); diff != "" {
		t.Errorf("%s, required fields (-Go +AsyncAPI):\n%s", at, diff)
	}
}

// jsonKind is the JSON type of a Go type; empty means any.
func jsonKind(typ reflect.Type) string {
	switch typ.Kind() {
	case reflect.Bool:
		return "boolean"
	case reflect.Int, reflect.Int64, reflect.Uint64:
		return "integer"
	case reflect.Float64:
		return "number"
	case reflect.String:
		return "string"
	case reflect.Struct:
		if typ.String() == "time.Time" {
			return "string"
		}
		return "object"
	case reflect.Slice:
		if typ == reflect.TypeFor[json.RawMessage]() {
			return ""
		}
		return "array"
	}
	return "a kind that JSON does not have"
}

func goldenMessages(t *testing.T) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob("../protocol/testdata/*.json")
	if err != nil || len(files) == 0 {
		t.Fatalf("%d golden messages: %v", len(files), err)
	}
	messages := make(map[string][]byte)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		messages[filepath.Base(file)] = b
	}
	return messages
}
