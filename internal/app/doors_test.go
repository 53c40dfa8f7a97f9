package app

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// doors are all ways in with a viewer's token, by what the camera's answer would be: each returns what the server says of the
// token. A camera that is offline answers nothing, so that a token which is let in hears offline, or is welcome.
func (r *running) doors() map[string]func(device protocol.DeviceID, token string) string {
	const offer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\nm=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\n" +
		"a=mid:0\r\na=ice-ufrag:play\r\na=ice-pwd:0123456789012345678901\r\na=rtcp-mux\r\na=recvonly\r\n"
	hello := func(token string) string {
		e := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
			Version: protocol.Version, Role: protocol.RoleViewer, Token: token, Client: protocol.Client{Name: "test"},
		})
		text, err := e.Encode()
		if err != nil {
			r.t.Fatal(err)
		}
		return string(text)
	}
	socket := "ws" + strings.TrimPrefix(r.url, "http")
	return map[string]func(protocol.DeviceID, string) string{
		"websocket": func(_ protocol.DeviceID, token string) string {
			conn, response, err := (&websocket.Dialer{Subprotocols: []string{protocol.Subprotocol}}).DialContext(r.t.Context(), socket+protocol.LinkPath, nil)
			if err != nil {
				r.t.Fatal(err)
			}
			defer func() { _, _ = response.Body.Close(), conn.Close() }()
			if err := conn.WriteMessage(websocket.TextMessage, []byte(hello(token))); err != nil {
				r.t.Fatal(err)
			}
			_, text, err := conn.ReadMessage()
			if err != nil {
				return err.Error()
			}
			return string(text)
		},
		"long poll": func(_ protocol.DeviceID, token string) string {
			return r.knock(http.MethodPost, protocol.SendPath, "", "application/json", `{"messages":[`+hello(token)+`]}`)
		},
		"snapshot": func(device protocol.DeviceID, token string) string {
			return r.knock(http.MethodGet, protocol.SnapshotPath+"/"+string(device), token, "", "")
		},
		"WHEP": func(device protocol.DeviceID, token string) string {
			return r.knock(http.MethodPost, protocol.WHEPPath(device), token, "application/sdp", offer)
		},
		"WHEP, token in the query": func(device protocol.DeviceID, token string) string {
			return r.knock(http.MethodPost, protocol.WHEPPath(device)+"?token="+token, "", "application/sdp", offer)
		},
		"KVS ICE servers": func(device protocol.DeviceID, token string) string {
			return r.knock(http.MethodGet, "/v1/kvs/"+string(device)+"/ice-servers?token="+token, "", "", "")
		},
		"KVS": func(device protocol.DeviceID, token string) string {
			conn, response, err := websocket.DefaultDialer.DialContext(r.t.Context(), socket+"/v1/kvs/"+string(device)+"?X-Amz-ClientId=me&token="+token, nil)
			if err == nil {
				_, _ = response.Body.Close(), conn.Close()
				return "welcome"
			}
			if response == nil {
				r.t.Fatal(err)
			}
			text, _ := io.ReadAll(response.Body)
			_ = response.Body.Close()
			return string(text)
		},
		"REST": func(_ protocol.DeviceID, token string) string {
			return r.knock(http.MethodGet, "/v1/devices", token, "", "")
		},
	}
}

// knock makes a request at a door and returns what it says.
func (r *running) knock(method, path, token, kind, body string) string {
	r.t.Helper()
	request := httptest.NewRequestWithContext(r.t.Context(), method, r.url+path, strings.NewReader(body))
	request.RequestURI = ""
	if token != "" {
		request.Header.Set("Authorization", "Bearer "+token)
	}
	request.Header.Set("Content-Type", kind)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		r.t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return fmt.Sprint(response.StatusCode, " ", string(text))
}

// letIn reports whether a door has let a token in: it says welcome or offline, or gives something.
func letIn(said string) bool {
	var plain struct{ Code, Type string }
	_, text, _ := strings.Cut(said, " ")
	_ = json.Unmarshal([]byte(text), &plain) // what is no problem has no code
	return strings.Contains(said, "welcome") || strings.Contains(said, "offline") || strings.Contains(said, `"IceServerList"`) || plain.Type == "welcome"
}

func TestNoDoorLetsATokenInToWhatItDoesNotOpen(t *testing.T) {
	r := serve(t, settings(t))
	shop, maker := r.partner("shop"), r.partner("maker")
	s, other := shop.signer(), maker.signer()
	own, second, foreign := shop.device(), shop.device(), maker.device()
	old := shop.signer()
	stale := old.sign(own, nil)
	shop.ask("DELETE", "/v1/signing-keys/"+old.id, nil).want(204)
	hour := func(n int) int64 { return time.Now().Add(time.Duration(n) * time.Hour).Unix() }
	n := 0
	fresh := func(by signer, device protocol.DeviceID, change map[string]any) string {
		claims := map[string]any{"jti": fmt.Sprint("t", n)} // each door has its own pace for a token
		n++
		for name, value := range change {
			claims[name] = value
		}
		return by.sign(device, claims)
	}
	elsewhere := []string{"websocket", "long poll", "REST"} // the other doors name the device in their path
	for door, knock := range r.doors() {
		if said := knock(own, fresh(s, own, nil)); letIn(said) == (door == "REST") {
			t.Errorf("%s: a good token hears %s", door, said)
		}
		for name, test := range map[string]struct {
			at    protocol.DeviceID
			token string
		}{
			"another project's camera":       {foreign, fresh(s, foreign, nil)},
			"in the name of another project": {foreign, fresh(s, foreign, map[string]any{"iss": "maker", "prj": "maker"})},
			"signed by another project":      {own, fresh(other, own, map[string]any{"iss": "shop", "prj": "shop"})},
			"another project's, for this":    {own, fresh(other, own, nil)},
			"of a revoked key":               {own, stale},
			"expired":                        {own, fresh(s, own, map[string]any{"iat": hour(-2), "exp": hour(-1)})},
			"for two days":                   {own, fresh(s, own, map[string]any{"exp": hour(48)})},
			"an API key":                     {own, shop.key},
		} {
			if door == "REST" && test.token == shop.key {
				continue // it is for that door
			}
			if said := knock(test.at, test.token); letIn(said) {
				t.Errorf("%s, %s: it is let in with %s", door, name, said)
			}
		}
		if !slices.Contains(elsewhere, door) {
			if said := knock(second, fresh(s, own, nil)); letIn(said) {
				t.Errorf("%s: a token of another camera is let in with %s", door, said)
			}
		}
	}
}
