package protocol

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestDecodeRefusesWhatIsNoMessage(t *testing.T) {
	tests := []struct {
		name string
		in   string
		want Code
	}{
		{"empty", ``, CodeBadMessage},
		{"not JSON", `hello`, CodeBadMessage},
		{"an array", `[]`, CodeBadMessage},
		{"two objects", `{"type":"ping"}{"type":"ping"}`, CodeBadMessage},
		{"not UTF-8", "{\"type\":\"ping\",\"data\":\"\xff\"}", CodeBadMessage},
		{"no type", `{}`, CodeUnknownType},
		{"unknown type", `{"type":"shout"}`, CodeUnknownType},
		{"negative seq", `{"type":"ping","seq":-1}`, CodeBadMessage},
		{"fractional seq", `{"type":"ping","seq":1.5}`, CodeBadMessage},
		{"session is no UUID", `{"type":"close","session":"../x","data":{"reason":"viewer_left"}}`, CodeBadMessage},
		{"session of an unknown type", `{"type":"shout","session":"` + strings.Repeat("x", 60_000) + `"}`, CodeBadMessage},
		{"body is a string", `{"type":"close","data":"x"}`, CodeBadMessage},
		{"unknown reason", `{"type":"close","data":{"reason":"bored"}}`, CodeBadMessage},
		{"unknown role", `{"type":"hello","data":{"version":1,"role":"admin"}}`, CodeBadMessage},
		{"short owner", `{"type":"open","data":{"device":"dev_1","owner":"ab"}}`, CodeBadMessage},
		{"bad device", `{"type":"open","data":{"device":"a/b","owner":"` + goldenOwner + `"}}`, CodeBadMessage},
		{"huge", `{"type":"ping","data":"` + strings.Repeat("a", MaxMessageBytes) + `"}`, CodeTooLarge},
		{"huge description", `{"type":"describe","data":{"kind":"offer","sdp":"` + strings.Repeat("a", MaxSDPBytes+1) + `"}}`, CodeTooLarge},
		{"huge candidate", `{"type":"candidate","data":{"candidate":"` + strings.Repeat("a", MaxCandidateBytes+1) + `"}}`, CodeTooLarge},
		{"negative slot", `{"type":"goaway","data":{"after_ms":-1,"deadline_ms":0}}`, CodeBadMessage},
		{
			"too many hosts", `{"type":"goaway","data":{"after_ms":0,"deadline_ms":0,"hosts":[` +
				strings.TrimSuffix(strings.Repeat(`"a.example",`, MaxHosts+1), ",") + `]}}`, CodeTooLarge,
		},
		{
			"too many candidates", `{"type":"sync","data":{"candidates":[` +
				strings.TrimSuffix(strings.Repeat(`{"candidate":"a"},`, MaxSyncCandidates+1), ",") + `]}}`, CodeTooLarge,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, _, err := Decode([]byte(tt.in))
			if !errors.Is(err, &Error{Code: tt.want}) {
				t.Errorf("got %v, want code %s", err, tt.want)
			}
		})
	}
}

func TestDecodeKeepsTheEnvelopeOfAnUnknownType(t *testing.T) {
	e, _, err := Decode([]byte(`{"type":"dance","id":7,"seq":3}`))
	if !errors.Is(err, &Error{Code: CodeUnknownType}) {
		t.Fatalf("got %v, want unknown_type", err)
	}
	if e.ID != 7 || e.Seq != 3 {
		t.Errorf("got id %d and seq %d, want 7 and 3", e.ID, e.Seq)
	}
}

func TestUnknownFieldsAreIgnored(t *testing.T) {
	_, body, err := Decode([]byte(`{"type":"close","colour":"red","data":{"reason":"viewer_left","mood":1}}`))
	if err != nil {
		t.Fatal(err)
	}
	if got := body.(*Close).Reason; got != ReasonViewerLeft {
		t.Errorf("got reason %q, want viewer_left", got)
	}
}

func TestClassDependsOnMoreThanTheType(t *testing.T) {
	tests := []struct {
		in   string
		want Class
	}{
		{`{"type":"error","data":{"code":"internal"}}`, ClassControl},
		{`{"type":"error","re":1,"data":{"code":"internal"}}`, ClassSequenced},
		{`{"type":"stats","data":{"fps":30}}`, ClassVolatile},
		{`{"type":"stats","data":{"media":true}}`, ClassState},
		{`{"type":"candidate","data":{"candidate":""}}`, ClassSequenced},
		{`{"type":"gap","data":{"from":1,"to":2}}`, ClassEvent},
	}
	for _, tt := range tests {
		e, _, err := Decode([]byte(tt.in))
		if err != nil {
			t.Fatalf("%s: %v", tt.in, err)
		}
		if got := e.Class(); got != tt.want {
			t.Errorf("%s: got class %d, want %d", tt.in, got, tt.want)
		}
	}
}

func TestStateOfDifferentDevicesDoesNotReplaceEachOther(t *testing.T) {
	a := Must(TypePresence, "", &Presence{Device: "a", Status: StatusOnline})
	b := Must(TypePresence, "", &Presence{Device: "b", Status: StatusOnline})
	if a.StateKey() == b.StateKey() {
		t.Errorf("both have the key %q", a.StateKey())
	}
}

func TestEncodeRefusesAMessageOverTheLimit(t *testing.T) {
	e := Envelope{Type: TypePing, Data: json.RawMessage(`"` + strings.Repeat("a", MaxMessageBytes) + `"`)}
	if _, err := e.Encode(); !errors.Is(err, &Error{Code: CodeTooLarge}) {
		t.Errorf("got %v, want too_large", err)
	}
}

func TestARelayedBodyDoesNotGrow(t *testing.T) {
	in := []byte(`{"type":"close","data":{"reason":"viewer_left","x":"` + strings.Repeat("<", MaxMessageBytes-100) + `"}}`)
	e, _, err := Decode(in)
	if err != nil {
		t.Fatal(err)
	}
	out, err := e.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if len(out) > len(in) {
		t.Errorf("%d bytes became %d", len(in), len(out))
	}
}

func TestErrorsHideTheirCauseFromThePeer(t *testing.T) {
	cause := errors.New("disk on fire")
	e := AsError(fmt.Errorf("save session: %w", cause))
	if e.Code != CodeInternal {
		t.Errorf("got code %s, want internal", e.Code)
	}
	if !errors.Is(e, cause) {
		t.Error("the cause is lost")
	}
	b, err := json.Marshal(e)
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(b), "fire") {
		t.Errorf("the peer sees the cause: %s", b)
	}
}

func TestCloseCodesSayWhetherToComeBack(t *testing.T) {
	for code, want := range map[CloseCode]bool{
		1006: true, CloseGoingAway: true, CloseTooSlow: true, CloseSilent: true, CloseRate: true,
		CloseBadToken: false, CloseRevoked: false, CloseSuperseded: false, CloseVersion: false,
	} {
		if got := code.Reconnect(); got != want {
			t.Errorf("%s: got reconnect %v, want %v", code, got, want)
		}
	}
}

func TestIdentifiersAreSafeInURLsAndLogs(t *testing.T) {
	for _, bad := range []string{"", "a b", "A", "../x", "é", strings.Repeat("a", 65), "a\n"} {
		if DeviceID(bad).Valid() || ProjectID(bad).Valid() {
			t.Errorf("%q is taken for an identifier", bad)
		}
	}
	for _, bad := range []string{"", string(goldenSession) + "0", strings.ToUpper(string(goldenSession)), strings.Replace(string(goldenSession), "-", "0", 1)} {
		if SessionID(bad).Valid() {
			t.Errorf("%q is taken for a session", bad)
		}
	}
	if !goldenSession.Valid() || !goldenGrant.Valid() || GrantID("x").Valid() {
		t.Error("good identifiers are refused or bad ones taken")
	}
}

func FuzzDecode(f *testing.F) {
	files, err := filepath.Glob("testdata/*.json")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file) //nolint:gosec // names come from testdata
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		e, body, err := Decode(in)
		if err != nil {
			var known *Error
			if !errors.As(err, &known) {
				t.Fatalf("an error without a code: %v", err)
			}
			return
		}
		if body == nil {
			return
		}
		again, err := New(e.Type, e.Session, body)
		if err != nil {
			t.Fatalf("encode again: %v", err)
		}
		again.Re = e.Re
		if again.Class() != e.Class() || again.StateKey() != e.StateKey() {
			t.Errorf("class or key changed: %v %q, was %v %q", again.Class(), again.StateKey(), e.Class(), e.StateKey())
		}
	})
}
