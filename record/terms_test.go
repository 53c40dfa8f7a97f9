package record

import (
	"cmp"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestAProjectBindsItsTokensWhereItAllowsOnePathAndTheNarrowerBoundHolds(t *testing.T) {
	const direct, prefer, relay = protocol.PathDirectOnly, protocol.PathPreferDirect, protocol.PathRelayOnly
	at := func(ms int) Delay { return DelayOf(time.Duration(ms) * time.Millisecond) }
	for _, test := range []struct {
		name                   string
		project, token, expect Terms
	}{
		{"nothing said", Terms{}, Terms{}, Terms{Path: prefer, RelayDelay: at(700)}},
		{"the project says", Terms{Path: prefer, RelayDelay: at(0)}, Terms{}, Terms{Path: prefer, RelayDelay: at(0)}},
		{"the token says", Terms{Path: prefer, RelayDelay: at(0)}, Terms{Path: direct, RelayDelay: at(20)}, Terms{Path: direct, RelayDelay: at(20)}},
		{"direct only binds", Terms{Path: direct}, Terms{Path: relay}, Terms{Path: direct, RelayDelay: at(700)}},
		{"direct only binds a token that prefers", Terms{Path: direct}, Terms{Path: prefer}, Terms{Path: direct, RelayDelay: at(700)}},
		{"relay only binds", Terms{Path: relay}, Terms{Path: direct}, Terms{Path: relay, RelayDelay: at(0)}},
		{"a token's relay only waits for nothing", Terms{RelayDelay: at(900)}, Terms{Path: relay, RelayDelay: at(800)}, Terms{Path: relay, RelayDelay: at(0)}},
		{
			"bounds of the project",
			Terms{MaxRelay: time.Minute, MaxKbps: 5},
			Terms{},
			Terms{Path: prefer, RelayDelay: at(700), MaxRelay: time.Minute, MaxKbps: 5},
		},
		{
			"bounds of the token",
			Terms{},
			Terms{MaxRelay: time.Minute, MaxKbps: 5},
			Terms{Path: prefer, RelayDelay: at(700), MaxRelay: time.Minute, MaxKbps: 5},
		},
		{"the best rendition, as the project says", Terms{RelayHD: Yes}, Terms{}, Terms{Path: prefer, RelayDelay: at(700), RelayHD: Yes}},
		{"not for this token", Terms{RelayHD: Yes}, Terms{RelayHD: No}, Terms{Path: prefer, RelayDelay: at(700)}},
		{"a token cannot allow it", Terms{}, Terms{RelayHD: Yes}, Terms{Path: prefer, RelayDelay: at(700)}},
		{
			"the narrower of each",
			Terms{MaxRelay: time.Minute, MaxKbps: 5},
			Terms{MaxRelay: time.Hour, MaxKbps: 4},
			Terms{Path: prefer, RelayDelay: at(700), MaxRelay: time.Minute, MaxKbps: 4},
		},
	} {
		test.expect.RelayHD = cmp.Or(test.expect.RelayHD, No)
		if got := test.project.For(test.token); got != test.expect {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.expect)
		}
	}
}

func TestADeviceBindsTheTokensThatOpenIt(t *testing.T) {
	const direct, prefer, relay = protocol.PathDirectOnly, protocol.PathPreferDirect, protocol.PathRelayOnly
	for _, test := range []struct {
		name                  string
		device, token, expect Terms
	}{
		{"nothing said", Terms{}, Terms{Path: relay, MaxKbps: 5}, Terms{Path: relay, MaxKbps: 5}},
		{"one path binds", Terms{Path: direct}, Terms{Path: relay}, Terms{Path: direct}},
		{"a preference does not", Terms{Path: prefer}, Terms{Path: relay}, Terms{Path: relay}},
		{"what the token leaves open", Terms{Path: prefer, RelayDelay: DelayOf(0)}, Terms{}, Terms{Path: prefer, RelayDelay: DelayOf(0)}},
		{"the narrower bound", Terms{MaxKbps: 5, MaxRelay: time.Minute}, Terms{MaxKbps: 4, MaxRelay: time.Hour}, Terms{MaxKbps: 4, MaxRelay: time.Minute}},
		{"never the best rendition", Terms{RelayHD: No}, Terms{RelayHD: Yes}, Terms{RelayHD: No}},
	} {
		got := test.device.Bind(test.token)
		if got != test.expect {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.expect)
		}
		if again := test.device.Bind(got); again != got {
			t.Errorf("%s: bound once more it is %+v", test.name, again)
		}
	}
}

func TestWhatTermsLeaveOpenIsFilled(t *testing.T) {
	defaults := Terms{Path: protocol.PathDirectOnly, RelayDelay: DelayOf(time.Second), MaxRelay: time.Minute, MaxKbps: 7, RelayHD: Yes}
	if got := (Terms{}).Or(defaults); got != defaults {
		t.Errorf("got %+v, want %+v", got, defaults)
	}
	own := Terms{Path: protocol.PathPreferDirect, RelayDelay: DelayOf(0), MaxRelay: time.Hour, MaxKbps: 9, RelayHD: No}
	if got := own.Or(defaults); got != own {
		t.Errorf("got %+v, want %+v", got, own)
	}
}

func TestTermsComeBackFromJSONAsTheyWere(t *testing.T) {
	for _, want := range []Terms{
		{},
		{Path: protocol.PathRelayOnly, RelayDelay: DelayOf(0), MaxRelay: time.Hour, MaxKbps: 8, RelayHD: Yes},
		{RelayHD: No},
		{RelayDelay: DelayOf(5 * time.Millisecond)},
	} {
		b, err := json.Marshal(want.Plain())
		if err != nil {
			t.Fatal(err)
		}
		var plain PlainTerms
		if err := json.Unmarshal(b, &plain); err != nil {
			t.Fatal(err)
		}
		if got := plain.Terms(); got != want || got.Check() != nil {
			t.Errorf("%s: got %+v, %v, want %+v", b, got, got.Check(), want)
		}
	}
}

func TestTermsThatCannotBeAreRefused(t *testing.T) {
	for _, text := range []string{
		`{"path":"relay"}`, `{"relay_delay_ms":-1}`, `{"relay_delay_ms":30001}`, `{"relay_delay_ms":9223372036854775807}`,
		`{"max_relay_s":-1}`, `{"max_relay_s":86401}`, `{"max_relay_s":18446744074}`, `{"max_kbps":-1}`, `{"max_kbps":100000001}`,
	} {
		var plain PlainTerms
		if err := json.Unmarshal([]byte(text), &plain); err != nil {
			t.Fatal(err)
		}
		if err := plain.Terms().Check(); !errors.Is(err, &protocol.Error{Code: protocol.CodeInvalid}) {
			t.Errorf("%s: got %v, want invalid", text, err)
		}
	}
	for _, terms := range []Terms{{RelayDelay: DelayOf(time.Microsecond)}, {MaxRelay: time.Millisecond}, {RelayHD: "often"}} {
		if terms.Check() == nil {
			t.Errorf("%+v is taken", terms)
		}
	}
}
