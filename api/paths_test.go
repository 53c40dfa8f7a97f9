package api

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// relayed is a session that has been on the relay since the time of the tests.
func relayed(id protocol.SessionID, project protocol.ProjectID) record.Session {
	path := protocol.Path{Kind: protocol.PathRelay, Means: protocol.MeansRelay, Local: "relay", Remote: "srflx", Protocol: "udp", AfterMS: 900, Pairs: 7}
	return record.Session{
		ID: id, Kind: record.SessionLive, Project: project, Device: "cam", Created: testTime, Expires: testTime.Add(time.Hour), Path: path,
		Account: record.Account{
			Version: 3, Kind: protocol.PathRelay, Means: protocol.MeansRelay, Numbered: 1, Policy: protocol.PathPreferDirect,
			Changes: []record.PathChange{
				{At: testTime, By: protocol.RoleViewer, Path: path, Kind: protocol.PathRelay, Means: protocol.MeansRelay, Number: 1},
			},
			Omitted: 2, Relayed: testTime, Until: testTime,
			Device: record.End{
				Network: &protocol.Network{Mapping: protocol.NATAddressAndPort, Filtering: protocol.NATAddressAndPort},
				Quality: record.Quality{
					Told: testTime, Frames: 250, Packets: 900, Retransmitted: 7, RTT: 12500 * time.Microsecond, Rendition: protocol.RenditionSub,
					Relay: 9 * time.Second, Milestones: protocol.Milestones{AnswerMS: 15},
				},
			},
			Viewer:    record.End{Path: path, First: 900 * time.Millisecond, Network: &protocol.Network{Mapping: protocol.NATEndpointIndependent}},
			Stretches: []record.Stretch{{Day: "2026-03-01", Means: protocol.MeansRelay, Time: 90 * time.Second, Bytes: 5000}},
		},
	}
}

func TestASessionTellsHowItsMediaWentAndWhy(t *testing.T) {
	w, a, key, theirs := newWorld(t)
	const id = "0192f0c1-2b3c-7d4e-8f50-617283940a1b"
	w.sessions = append(w.sessions, relayed(id, "mine"))
	answer := call(t, a, key, "GET", "/v1/sessions/"+id, "")
	wantStatus(t, answer, http.StatusOK)
	var got SessionDetails
	answer.decode(t, &got)
	if got.RelayReason == nil || got.RelayReason.Code != nat.ReasonSymmetricAndPortFilter || got.RelayReason.Text == "" {
		t.Errorf("got the reason %+v", got.RelayReason)
	}
	if got.FirstPathMS != 900 || got.DirectPathMS != 0 || got.Relay != (Carried{TimeS: 90, Bytes: 5000}) || got.Direct != (Carried{}) || got.PathsOmitted != 2 {
		t.Errorf("got %+v", got)
	}
	if len(got.Paths) != 1 || got.Paths[0].By != protocol.RoleViewer || got.Paths[0].Path.Pairs != 7 || got.Paths[0].Means != protocol.MeansRelay {
		t.Errorf("got the paths %+v", got.Paths)
	}
	if got.Ends.Device.Path != nil || got.Ends.Device.Network.Kind != nat.KindSymmetric || got.Ends.Viewer.Path.Kind != protocol.PathRelay || got.Ends.Viewer.Network.Text == "" {
		t.Errorf("got the ends %+v", got.Ends)
	}
	want := &Quality{
		Told: testTime, Frames: 250, Packets: 900, Retransmitted: 7, RTTMS: 12.5, Rendition: protocol.RenditionSub, RelayS: 9,
		Milestones: &Milestones{AnswerMS: 15},
	}
	if diff := cmp.Diff(want, got.Ends.Device.Quality); diff != "" || got.Ends.Viewer.Quality != nil {
		t.Errorf("the viewer's quality is %+v, the device's (-want +got):\n%s", got.Ends.Viewer.Quality, diff)
	}
	if got.Path == nil || got.Path.Kind != protocol.PathRelay || got.Policy != protocol.PathPreferDirect {
		t.Errorf("got the path %+v under %s", got.Path, got.Policy)
	}
	wantProblem(t, call(t, a, theirs, "GET", "/v1/sessions/"+id, ""), http.StatusNotFound, protocol.CodeNotFound)
	if list := call(t, a, key, "GET", "/v1/sessions", "").Body.String(); strings.Contains(list, "paths") || strings.Contains(list, "ends") {
		t.Errorf("the list is not light: %s", list)
	}
}

func TestAPathThatIsLookedForIsNotMissedYet(t *testing.T) {
	s := relayed("x", "mine")
	s.Account.Viewer.Network = nil
	for _, test := range []struct {
		name string
		at   time.Duration
		end  time.Duration
		want nat.Reason
	}{
		{"at once", time.Second, 0, nat.ReasonNotYet},
		{"after a minute", time.Minute, 0, nat.ReasonUnknown},
		{"ended at once", time.Minute, time.Second, nat.ReasonNotYet},
	} {
		session := s
		if test.end != 0 {
			session.Ended = testTime.Add(test.end)
		}
		if got := relayReason(session, testTime.Add(test.at)); got.Code != test.want {
			t.Errorf("%s: got %s, want %s", test.name, got.Code, test.want)
		}
	}
	s.Account.Kind = protocol.PathDirect
	if got := relayReason(s, testTime); got != nil {
		t.Errorf("a direct session has the reason %+v", got)
	}
}

func TestADeviceShowsItsNetworkAndWhatWouldHelp(t *testing.T) {
	w, a, key, _ := newWorld(t)
	for _, id := range []protocol.DeviceID{"cam", "quiet", "live"} {
		addDevice(w, "mine", id)
	}
	stored := protocol.Network{Mapping: protocol.NATAddressAndPort, MappingFault: protocol.MappingAbsent}
	w.devices[0].Network, w.devices[0].NetworkTold = &stored, testTime
	w.devices[2].Network = &stored
	w.networks = map[protocol.DeviceID]record.DeviceNetwork{"live": {Network: protocol.Network{UDPBlocked: true}, Told: testTime.Add(time.Hour)}}
	get := func(id string) DeviceDetails {
		var got DeviceDetails
		call(t, a, key, "GET", "/v1/devices/"+id, "").decode(t, &got)
		return got
	}
	got := get("cam").Network
	if got == nil || got.Network != stored || got.Kind != nat.KindSymmetric || len(got.Advice) == 0 || !got.Told.Equal(testTime) {
		t.Errorf("got %+v", got)
	}
	if got := get("quiet").Network; got != nil {
		t.Errorf("a device that has told nothing has %+v", got)
	}
	if got := get("live").Network; got == nil || got.Kind != nat.KindUDPBlocked || !got.Told.Equal(testTime.Add(time.Hour)) {
		t.Errorf("got %+v, want what the hub knows", got)
	}
	if list := call(t, a, key, "GET", "/v1/devices", "").Body.String(); strings.Contains(list, "network") {
		t.Errorf("the list is not light: %s", list)
	}
}

func TestEventsArePulledByNumber(t *testing.T) {
	w, a, key, theirs := newWorld(t)
	for seq := range uint64(3) {
		w.events = append(w.events, record.Event{
			Project: "mine", Seq: seq + 1, ID: "e", Kind: record.EventSessionPath, At: testTime, Device: "cam", Session: "s", Data: json.RawMessage(`{"number":1}`),
		})
	}
	var body struct {
		Events []Event `json:"events"`
		Next   uint64  `json:"next"`
	}
	call(t, a, key, "GET", "/v1/events?limit=2&kinds=session.path", "").decode(t, &body)
	if len(body.Events) != 2 || body.Next != 2 || string(body.Events[0].Data) != `{"number":1}` || body.Events[0].Kind != record.EventSessionPath {
		t.Errorf("got %+v", body)
	}
	call(t, a, key, "GET", "/v1/events?after=2", "").decode(t, &body)
	if len(body.Events) != 1 || body.Next != 3 {
		t.Errorf("got %+v", body)
	}
	call(t, a, key, "GET", "/v1/events?after=3", "").decode(t, &body)
	if len(body.Events) != 0 || body.Next != 3 {
		t.Errorf("got %+v", body)
	}
	if got := call(t, a, theirs, "GET", "/v1/events", "").Body.String(); got != `{"events":[],"next":0,"first":1}`+"\n" {
		t.Errorf("another project gets %s", got)
	}
	for _, bad := range []string{"after=-1", "after=x", "after=18446744073709551615", "kinds=device.exploded", "limit=0", "limit=1001", "wait=26"} {
		wantProblem(t, call(t, a, key, "GET", "/v1/events?"+bad, ""), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	}
	wantProblem(t, call(t, a, "", "GET", "/v1/events", ""), http.StatusUnauthorized, protocol.CodeBadToken)
}

func TestUsageIsSummedUpAndPriced(t *testing.T) {
	w, a, key, theirs := newWorld(t)
	w.usage = map[protocol.ProjectID][]record.PathUsage{"mine": {
		{Day: "2026-03-01", Sessions: 2},
		{Day: "2026-03-01", Means: "ice", Sessions: 5, Time: 10 * time.Minute, Bytes: 3e9, BeyondTime: time.Minute, BeyondBytes: 1e9},
		{Day: "2026-03-01", Means: "mapped", Sessions: 2, Time: 5 * time.Minute, Bytes: 1e9, BeyondTime: 5 * time.Minute, BeyondBytes: 1e9},
		{Day: "2026-03-01", Means: "relay", Sessions: 1, Time: 90 * time.Second, Bytes: 19e8, RelayBytes: 2e9},
		{Day: "2026-03-02", Means: "relay", RelayBytes: 5},
	}}
	money := func(m float64) *float64 { return &m }
	var body struct {
		From, To string
		Price    *Price
		Usage    []PathUsage
	}
	answer := call(t, a, key, "GET", "/v1/usage/paths?group=day&device=cam&from=2026-03-01&to=2026-03-02", "")
	wantStatus(t, answer, http.StatusOK)
	answer.decode(t, &body)
	want := []PathUsage{
		{
			Day: "2026-03-01", Sessions: SessionCounts{Direct: 7, Relay: 1, None: 2}, DirectRate: money(0.875),
			Means: []MeansUsage{
				{Means: "ice", Sessions: 5, Minutes: 10, Bytes: 3e9},
				{Means: "mapped", Sessions: 2, Minutes: 5, Bytes: 1e9},
				{Means: "relay", Sessions: 1, Minutes: 1.5, Bytes: 19e8},
			},
			Relayed: Amount{Minutes: 1.5, Bytes: 2e9, Money: money(0.1)},
			Saved: Savings{
				AllRelayed: Amount{Minutes: 15, Bytes: 4e9, Money: money(0.2)}, PlainICE: Amount{Minutes: 6, Bytes: 2e9, Money: money(0.1)},
			},
		},
		{
			Day: "2026-03-02", Means: []MeansUsage{}, Relayed: Amount{Bytes: 5, Money: money(0)},
			Saved: Savings{AllRelayed: Amount{Money: money(0)}, PlainICE: Amount{Money: money(0)}},
		},
	}
	if diff := cmp.Diff(want, body.Usage); diff != "" {
		t.Errorf("usage differs:\n%s", diff)
	}
	if *body.Price != (Price{PerGB: 0.05, Currency: "USD"}) || body.From != "2026-03-01" || body.To != "2026-03-02" {
		t.Errorf("got %+v of %s to %s", body.Price, body.From, body.To)
	}
	if want := (record.PathFilter{Device: "cam", From: "2026-03-01", To: "2026-03-02", Group: record.GroupDay}); w.asked != want {
		t.Errorf("asked for %+v, want %+v", w.asked, want)
	}

	body.Usage = nil
	call(t, a, theirs, "GET", "/v1/usage/paths", "").decode(t, &body)
	if len(body.Usage) != 1 || body.Usage[0].DirectRate != nil || body.Usage[0].Relayed.Bytes != 0 || body.From != "2026-01-31" || body.To != "2026-03-01" {
		t.Errorf("another project, without anything: got %+v", body)
	}
	if got := call(t, a, key, "GET", "/v1/usage/paths?group=device", "").Body.String(); !strings.Contains(got, `"next_cursor":"more"`) {
		t.Errorf("got %s, want a cursor", got)
	}
}

func TestUsageOfDaysThatCannotBeIsRefused(t *testing.T) {
	_, a, key, _ := newWorld(t)
	for _, bad := range []string{
		"from=yesterday", "to=2026-02-30", "from=2026-03-02&to=2026-03-01", "from=2025-01-01&to=2026-03-01", "group=means", "limit=101", "project=theirs",
	} {
		wantProblem(t, call(t, a, key, "GET", "/v1/usage/paths?"+bad, ""), http.StatusUnprocessableEntity, protocol.CodeInvalid)
	}
	wantStatus(t, call(t, a, key, "GET", "/v1/usage/paths?from=2025-01-26&to=2026-03-01", ""), http.StatusOK)
	wantProblem(t, call(t, a, "", "GET", "/v1/usage/paths", ""), http.StatusUnauthorized, protocol.CodeBadToken)
}

func TestWithoutAPriceThereIsNoMoney(t *testing.T) {
	w, a, key, _ := newWorld(t)
	a.config.Price = Price{}
	w.usage = map[protocol.ProjectID][]record.PathUsage{"mine": {{Means: "ice", Sessions: 1, Bytes: 1e9}}}
	if got := call(t, a, key, "GET", "/v1/usage/paths", "").Body.String(); strings.Contains(got, "money") || strings.Contains(got, "price") {
		t.Errorf("got %s", got)
	}
}
