package kvs

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// Messages as clients send them: the form of each is that of its program, the payloads are shortened.
var (
	// The SDK for browsers, as a viewer.
	fromBrowser = `{"action":"SDP_OFFER","messagePayload":"` + offerInBase64 + `","correlationId":"offer-1"}`
	// The SDK for C, as a master.
	fromC = "{\n\t\"action\": \"SDP_ANSWER\",\n\t\"RecipientClientId\": \"viewer-7\",\n\t\"MessagePayload\": \"" + answerInBase64 +
		"\",\n\t\"CorrelationId\": \"1605_3\"\n}"
	// The same as a viewer, who tells its ICE servers and a name for the master.
	fromCViewer = "{\n\t\"action\": \"SDP_OFFER\",\n\t\"RecipientClientId\": \"ProducerMaster\",\n\t\"MessagePayload\": \"" + offerInBase64 +
		"\",\n\t\"IceServerList\": [\n\t\t{\n\t\t\t\"Password\": \"p\",\n\t\t\t\"Ttl\": 298,\n\t\t\t\"Uris\": [\"turn:192.0.2.1:443\"],\n\t\t\t\"Username\": \"u\"\n\t\t}\n\t]\n}"
	// go2rtc, whose recipient is empty.
	fromGo2rtc = `{"action":"ICE_CANDIDATE","recipientClientId":"","messagePayload":"` +
		base64.StdEncoding.EncodeToString([]byte(`{"candidate":"candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host","sdpMid":"","sdpMLineIndex":0,"usernameFragment":null}`)) + `"}`
)

var (
	offerInBase64  = base64.StdEncoding.EncodeToString([]byte(`{"type":"offer","sdp":"v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\n"}`))
	answerInBase64 = base64.StdEncoding.EncodeToString([]byte(`{"type": "answer", "sdp": "v=0\r\n"}`))
)

func TestMessagesOfKnownClientsAreRead(t *testing.T) {
	for name, c := range map[string]struct {
		message string
		want    Request
	}{
		"the SDK for browsers": {fromBrowser, Request{Action: TypeOffer, Correlation: "offer-1"}},
		"the SDK for C":        {fromC, Request{Action: TypeAnswer, Recipient: "viewer-7", Correlation: "1605_3"}},
		"the same as a viewer": {fromCViewer, Request{Action: TypeOffer, Recipient: "ProducerMaster"}},
		"go2rtc":               {fromGo2rtc, Request{Action: TypeCandidate}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := Decode([]byte(c.message))
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Payload) == 0 {
				t.Error("the payload was lost")
			}
			got.Payload = nil
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestDescriptionsAreReadOutOfPayloads(t *testing.T) {
	r := decoded(t, fromC)
	got, err := r.Description()
	if want := (Description{"answer", "v=0\r\n"}); err != nil || got != want {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
}

func TestCandidatesAreReadWithoutWhatClientsLeaveOut(t *testing.T) {
	line := "candidate:1 1 udp 2130706431 192.0.2.7 50000 typ host"
	for payload, want := range map[string]protocol.Candidate{
		`{"candidate":"` + line + `","sdpMid":"0","sdpMLineIndex":0,"usernameFragment":"4ZcD"}`: {Candidate: line, Mid: "0", Ufrag: "4ZcD"},
		`{"candidate":"` + line + `","sdpMid":null,"sdpMLineIndex":1,"usernameFragment":null}`:  {Candidate: line, MLine: 1},
		`{"candidate":"` + line + `","sdpMid":"0","sdpMLineIndex":0}`:                           {Candidate: line, Mid: "0"},
		`{"candidate":""}`: {},
	} {
		r := Request{Action: TypeCandidate, Payload: []byte(payload)}
		if got, err := r.Candidate(); err != nil || got != want {
			t.Errorf("%s: got %+v, %v, want %+v", payload, got, err, want)
		}
	}
}

func TestBase64MayLackItsPadding(t *testing.T) {
	r := decoded(t, strings.Replace(fromBrowser, offerInBase64, strings.TrimRight(offerInBase64, "="), 1))
	if _, err := r.Description(); err != nil {
		t.Error(err)
	}
}

func TestEventsAreWrittenWithTheKeysOfKVS(t *testing.T) {
	mid := "0"
	candidate := &Candidate{Candidate: "candidate:1 1 udp 1 192.0.2.7 5 typ host", Mid: &mid, MLine: new(int)}
	for name, c := range map[string]struct {
		event Event
		want  string
	}{
		"an offer to a master": {
			Event{
				Type: TypeOffer, Sender: "v1", Payload: Offer("v=0\r\n"),
				Servers: ServersOf([]protocol.ICEServer{{URLs: []string{"turn:192.0.2.1"}, Username: "u", Credential: "p"}}, 5*time.Minute),
			},
			`{"senderClientId":"v1","messageType":"SDP_OFFER","messagePayload":"` + base64.StdEncoding.EncodeToString([]byte(`{"type":"offer","sdp":"v=0\r\n"}`)) +
				`","IceServerList":[{"Password":"p","Ttl":300,"Uris":["turn:192.0.2.1"],"Username":"u"}]}`,
		},
		"an answer to a viewer": {
			Event{Type: TypeAnswer, Payload: Answer("v=0\r\n")},
			`{"messageType":"SDP_ANSWER","messagePayload":"` + base64.StdEncoding.EncodeToString([]byte(`{"type":"answer","sdp":"v=0\r\n"}`)) + `"}`,
		},
		"a candidate to a viewer": {
			Event{Type: TypeCandidate, Payload: candidate},
			`{"messageType":"ICE_CANDIDATE","messagePayload":"` + base64.StdEncoding.EncodeToString([]byte(
				`{"candidate":"candidate:1 1 udp 1 192.0.2.7 5 typ host","sdpMid":"0","sdpMLineIndex":0}`)) + `"}`,
		},
		"a status": {
			StatusOf(protocol.Errorf(protocol.CodeOffline, "the camera is offline"), "c1"),
			`{"messageType":"STATUS_RESPONSE","statusResponse":{"correlationId":"c1","errorType":"ResourceNotFoundException","statusCode":"404",` +
				`"description":"offline: the camera is offline"}}`,
		},
		"go away": {Event{Type: TypeGoAway}, `{"messageType":"GO_AWAY"}`},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := c.event.Encode()
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, string(got)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestCandidatesOfTheLinkKeepWhatTheySay(t *testing.T) {
	want := protocol.Candidate{Candidate: "candidate:1 1 udp 1 192.0.2.7 5 typ host", Mid: "video", MLine: 2, Ufrag: "abcd"}
	b, err := marshal(CandidateOf(want))
	if err != nil {
		t.Fatal(err)
	}
	r := Request{Payload: b}
	if got, err := r.Candidate(); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

func TestWhatIsNoMessageIsRefusedByName(t *testing.T) {
	long := strings.Repeat("x", MaxIDBytes+1)
	for name, c := range map[string]struct {
		message string
		want    protocol.Code
	}{
		"nothing":              {"", protocol.CodeBadMessage},
		"no JSON":              {"SDP_OFFER", protocol.CodeBadMessage},
		"no UTF-8":             {"{\"action\":\"\xff\"}", protocol.CodeBadMessage},
		"no action":            {"{}", protocol.CodeUnknownType},
		"an unknown action":    {`{"action":"STATUS_RESPONSE"}`, protocol.CodeUnknownType},
		"no base64":            {`{"action":"SDP_OFFER","messagePayload":"%"}`, protocol.CodeBadMessage},
		"an odd recipient":     {`{"action":"SDP_OFFER","recipientClientId":"a b"}`, protocol.CodeBadMessage},
		"a long recipient":     {`{"action":"SDP_OFFER","recipientClientId":"` + long + `"}`, protocol.CodeBadMessage},
		"a long correlation":   {`{"action":"SDP_OFFER","correlationId":"` + long + `"}`, protocol.CodeBadMessage},
		"a list":               {"[]", protocol.CodeBadMessage},
		"a number for a text":  {`{"action":7}`, protocol.CodeBadMessage},
		"more than fits":       {`{"action":"` + strings.Repeat("x", MaxMessageBytes) + `"}`, protocol.CodeTooLarge},
		"a nested description": {strings.Repeat(`{"action":`, 20000), protocol.CodeTooLarge},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := Decode([]byte(c.message)); !errors.Is(err, &protocol.Error{Code: c.want}) {
				t.Errorf("got %v, want %s", err, c.want)
			}
		})
	}
}

func TestARefusedMessageKeepsItsCorrelation(t *testing.T) {
	got, err := Decode([]byte(`{"action":"HELLO","correlationId":"c-1"}`))
	if err == nil || got.Correlation != "c-1" {
		t.Errorf("got %+v, %v", got, err)
	}
}

func TestPayloadsThatMakeNoSenseAreRefused(t *testing.T) {
	for payload, want := range map[string]protocol.Code{
		"":                           protocol.CodeBadMessage,
		"[]":                         protocol.CodeBadMessage,
		`{"type":"offer"}`:           protocol.CodeBadMessage,
		`{"sdp":"` + huge(48) + `"}`: protocol.CodeTooLarge,
	} {
		r := Request{Payload: []byte(payload)}
		if _, err := r.Description(); !errors.Is(err, &protocol.Error{Code: want}) {
			t.Errorf("description %.20s: got %v, want %s", payload, err, want)
		}
	}
	for payload, want := range map[string]protocol.Code{
		"":                                protocol.CodeBadMessage,
		`"candidate:1"`:                   protocol.CodeBadMessage,
		`{"sdpMLineIndex":-1}`:            protocol.CodeBadMessage,
		`{"sdpMLineIndex":100000}`:        protocol.CodeBadMessage,
		`{"candidate":"` + huge(1) + `"}`: protocol.CodeTooLarge,
	} {
		r := Request{Payload: []byte(payload)}
		if _, err := r.Candidate(); !errors.Is(err, &protocol.Error{Code: want}) {
			t.Errorf("candidate %.20s: got %v, want %s", payload, err, want)
		}
	}
}

func TestEveryCodeHasAStatusThatClientsCanRead(t *testing.T) {
	for code := range kinds {
		s := StatusOf(protocol.Errorf(code, "%s", huge(2)), "").Status
		if len(s.Description) > maxDescription || !strings.HasPrefix(s.Description, string(code)+": ") {
			t.Errorf("%s: the description has %d bytes: %.40s", code, len(s.Description), s.Description)
		}
	}
	if got := StatusOf(protocol.Errorf(protocol.CodeInternal, "sorry"), "").Status; got.StatusCode != strconv.Itoa(http.StatusInternalServerError) || got.ErrorType != "InternalFailureException" {
		t.Errorf("an unknown fault is %+v", got)
	}
}

func FuzzDecode(f *testing.F) {
	for _, seed := range []string{fromBrowser, fromC, fromCViewer, fromGo2rtc, `{"ACTION":"SDP_OFFER"}`, `{"action":"ICE_CANDIDATE","messagePayload":null}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if !isID(r.Correlation) || !isID(r.Recipient) {
			t.Fatalf("IDs %q and %q", r.Correlation, r.Recipient)
		}
		if err != nil {
			if answer, err := StatusOf(protocol.AsError(err), r.Correlation).Encode(); err != nil || len(answer) > 10<<10 {
				t.Fatalf("status: %s, %v", answer, err)
			}
			return
		}
		if d, err := r.Description(); err == nil && (d.SDP == "" || len(d.SDP) > protocol.MaxSDPBytes) {
			t.Fatalf("a description of %d bytes", len(d.SDP))
		}
		c, err := r.Candidate()
		if err != nil {
			return
		}
		payload, err := marshal(CandidateOf(c))
		if err != nil {
			t.Fatal(err)
		}
		again := Request{Payload: payload}
		if got, err := again.Candidate(); err != nil || got != c {
			t.Fatalf("%+v became %+v, %v", c, got, err)
		}
	})
}

func decoded(t *testing.T, message string) Request {
	t.Helper()
	r, err := Decode([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// huge returns a text of a little more than some KiB.
func huge(kib int) string { return strings.Repeat("x", kib<<10+1) }
