//go:build linux

package e2e

import (
	"encoding/json"
	"net/http"
	"testing"

	"github.com/sightline-rtc/sightline/api"
	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/record"
)

// bill is what GET /v1/usage/paths answers.
type bill struct {
	Price *api.Price
	Usage []api.PathUsage
}

// details gets a session with all that the API tells of it.
func (s *stage) details(id string) (d api.SessionDetails, err error) {
	err = s.api.Do(s.t.Context(), http.MethodGet, "/v1/sessions/"+id, nil, &d)
	return d, err
}

// eventKinds returns the kinds of events that tell of a device, in their order, but for the paths of its sessions.
func (s *stage) eventKinds(device string) (kinds []record.EventKind, err error) {
	var list struct{ Events []api.Event }
	err = s.api.Do(s.t.Context(), http.MethodGet, "/v1/events?limit=1000", nil, &list)
	for _, e := range list.Events {
		if string(e.Device) == device && e.Kind != record.EventSessionPath {
			kinds = append(kinds, e.Kind)
		}
	}
	return kinds, err
}

func TestTheBooksTellHowPicturesWentAndWhy(t *testing.T) {
	s := enter(t, "--relay-price-per-gb", "90")
	a := s.agent("agent", "test:")
	seen := map[string]api.SessionDetails{}
	for path, query := range map[string]string{"direct": "", "relay": "?ice=relay"} {
		p := s.watch(path, a, query, path)
		id := s.session(a.Device).ID
		need(p.Grow(t.Context(), 150, later))(t)
		eventually(t, "what the ends know of "+path, func() (api.SessionDetails, error) { return s.details(id) }, func(d api.SessionDetails) bool {
			// A page whose path comes before its browser has gathered learns nothing of its network.
			return d.Ends.Device.Path != nil && d.Ends.Viewer.Path != nil && d.Ends.Device.Network != nil
		})
		must(t, p.Close(t.Context()))
		seen[path] = eventually(t, "the account of "+path, func() (api.SessionDetails, error) { return s.details(id) }, func(d api.SessionDetails) bool {
			return d.State == "ended" && d.Direct.Bytes+d.Relay.Bytes > 400_000 && d.Relayed.DownBytes >= d.Relay.Bytes*95/100
		})
	}

	direct, relay := seen["direct"], seen["relay"]
	if direct.FirstPathMS == 0 || direct.DirectPathMS == 0 || direct.Direct.TimeS < 1 || direct.RelayReason != nil || direct.Relay.Bytes != 0 {
		t.Errorf("the direct session is %+v", direct)
	}
	if relay.FirstPathMS == 0 || relay.DirectPathMS != 0 || relay.Relay.TimeS < 1 || relay.Direct.Bytes != 0 {
		t.Errorf("the relayed session is %+v", relay)
	}
	if relay.RelayReason == nil || relay.RelayReason.Code != nat.ReasonNotYet || relay.RelayReason.Text == "" {
		t.Errorf("it is relayed for the reason %+v", relay.RelayReason)
	}
	if told, counted := relay.Relay.Bytes, relay.Relayed.DownBytes+relay.Relayed.UpBytes; counted > told*13/10 {
		t.Errorf("the ends count %d bytes, the relay %d", told, counted)
	}

	got := eventually(t, "the bill", func() (b bill, err error) {
		if direct, err = s.details(string(direct.ID)); err != nil { // the device may tell the rest of it late
			return b, err
		}
		err = s.api.Do(t.Context(), http.MethodGet, "/v1/usage/paths?device="+a.Device, nil, &b)
		return b, err
	}, func(b bill) bool {
		return b.Usage[0].Relayed.Bytes >= relay.Relayed.DownBytes && b.Usage[0].Saved.AllRelayed.Bytes == direct.Direct.Bytes
	})
	sum := got.Usage[0]
	if sum.Sessions != (api.SessionCounts{Direct: 1, Relay: 1}) || *sum.DirectRate != 0.5 {
		t.Errorf("got %+v", sum)
	}
	if got.Price == nil || *sum.Relayed.Money <= 0 {
		t.Errorf("got the price %+v and %+v", got.Price, sum.Relayed)
	}

	var device api.DeviceDetails
	must(t, s.api.Do(t.Context(), http.MethodGet, "/v1/devices/"+a.Device, nil, &device))
	if device.Network == nil || device.Network.Text == "" {
		t.Errorf("the device's network is %+v", device.Network)
	}
	var events struct{ Events []api.Event }
	must(t, s.api.Do(t.Context(), http.MethodGet, "/v1/events", nil, &events))
	ways, kinds := map[string]bool{}, map[record.EventKind]bool{}
	for _, e := range events.Events {
		kinds[e.Kind] = true
		if e.Kind == record.EventSessionPath {
			var data record.PathEvent
			must(t, json.Unmarshal(e.Data, &data))
			ways[string(data.Path)] = true
		}
	}
	if len(ways) != 2 {
		t.Errorf("got the events %+v, want one of each path", events.Events)
	}
	for _, kind := range []record.EventKind{record.EventDeviceEnrolled, record.EventDeviceOnline, record.EventSessionOpened, record.EventSessionLive} {
		if !kinds[kind] {
			t.Errorf("got the events %+v, want %s", events.Events, kind)
		}
	}
}
