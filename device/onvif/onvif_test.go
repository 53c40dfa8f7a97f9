package onvif

import (
	"context"
	"crypto/md5"
	"crypto/sha1"
	"encoding/base64"
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

// fake is a camera's web server, which wants to know who asks and whose clock is an hour ahead. It counts what it gets.
type fake struct {
	password string
	// digest wants HTTP digest too, elsewhere names another host in its addresses.
	digest    bool
	elsewhere string
	jpeg      []byte

	mu   sync.Mutex // guards got
	got  []string
	last string
}

func (f *fake) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	action := r.URL.Path
	if m := regexp.MustCompile(`<s:Body><(\w+)`).FindSubmatch(body); m != nil {
		action = string(m[1])
	}
	f.mu.Lock()
	f.got, f.last = append(f.got, action), string(body)
	f.mu.Unlock()
	if f.digest && action != "GetSystemDateAndTime" && !f.knowsDigest(r) {
		w.Header().Add("WWW-Authenticate", `Basic realm="camera"`)
		w.Header().Add("WWW-Authenticate", `Digest realm="camera", qop="auth,auth-int", nonce="n1", opaque="o1"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	if r.Method == http.MethodPost && action != "GetSystemDateAndTime" && !f.knowsToken(body) {
		w.WriteHeader(http.StatusBadRequest)
		fmt.Fprint(w, envelopeOf(`<s:Fault><s:Code><s:Value>s:Sender</s:Value><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault>`))
		return
	}
	host := r.Host
	if f.elsewhere != "" {
		host = f.elsewhere
	}
	switch action {
	case "GetSystemDateAndTime":
		t := time.Now().Add(time.Hour).UTC()
		fmt.Fprint(w, envelopeOf(fmt.Sprintf(`<d:GetSystemDateAndTimeResponse><d:SystemDateAndTime><t:UTCDateTime>
			<t:Time><t:Hour>%d</t:Hour><t:Minute>%d</t:Minute><t:Second>%d</t:Second></t:Time>
			<t:Date><t:Year>%d</t:Year><t:Month>%d</t:Month><t:Day>%d</t:Day></t:Date></t:UTCDateTime></d:SystemDateAndTime></d:GetSystemDateAndTimeResponse>`,
			t.Hour(), t.Minute(), t.Second(), t.Year(), t.Month(), t.Day())))
	case "GetCapabilities":
		fmt.Fprint(w, envelopeOf(`<d:GetCapabilitiesResponse><d:Capabilities><t:Media><t:XAddr>http://`+host+`/onvif/media</t:XAddr></t:Media>`+
			`<t:PTZ><t:XAddr>http://`+host+`/onvif/ptz</t:XAddr></t:PTZ></d:Capabilities></d:GetCapabilitiesResponse>`))
	case "GetProfiles":
		fmt.Fprint(w, envelopeOf(`<m:GetProfilesResponse><m:Profiles token="audio"/><m:Profiles token="a&amp;b"><t:VideoEncoderConfiguration/><t:PTZConfiguration/></m:Profiles>`+
			`<m:Profiles token="sub"><t:VideoEncoderConfiguration/></m:Profiles></m:GetProfilesResponse>`))
	case "GetSnapshotUri":
		fmt.Fprint(w, envelopeOf(`<m:GetSnapshotUriResponse><m:MediaUri><t:Uri>http://`+host+`/still.jpg?channel=1</t:Uri></m:MediaUri></m:GetSnapshotUriResponse>`))
	case "/still.jpg":
		_, _ = w.Write(f.jpeg)
	case "/moved":
		http.Redirect(w, r, "http://192.0.2.1/", http.StatusFound)
	default:
		fmt.Fprint(w, envelopeOf(`<p:Response/>`))
	}
}

func envelopeOf(body string) string {
	return `<?xml version="1.0"?><s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope" xmlns:d="d" xmlns:m="m" xmlns:t="t" xmlns:p="p"><s:Body>` + body + `</s:Body></s:Envelope>`
}

// knowsToken checks the UsernameToken, which has to be of the camera's time.
func (f *fake) knowsToken(body []byte) bool {
	var e struct {
		Token struct{ Username, Password, Nonce, Created string } `xml:"Header>Security>UsernameToken"`
	}
	if xml.Unmarshal(body, &e) != nil {
		return false
	}
	created, err := time.Parse(time.RFC3339, e.Token.Created)
	if err != nil || time.Until(created.Add(-time.Hour)).Abs() > 5*time.Second {
		return false
	}
	nonce, _ := base64.StdEncoding.DecodeString(e.Token.Nonce)
	sum := sha1.Sum(append(nonce, e.Token.Created+f.password...))
	return e.Token.Username == "admin" && e.Token.Password == base64.StdEncoding.EncodeToString(sum[:])
}

func (f *fake) knowsDigest(r *http.Request) bool {
	p := parseParameters(strings.TrimPrefix(r.Header.Get("Authorization"), "Digest "))
	sum := func(s string) string { h := md5.Sum([]byte(s)); return hex.EncodeToString(h[:]) }
	want := sum(sum("admin:camera:"+f.password) + ":n1:00000001:" + p["cnonce"] + ":auth:" + sum(r.Method+":"+r.URL.RequestURI()))
	return p["response"] == want && p["opaque"] == "o1" && p["uri"] == r.URL.RequestURI()
}

func start(t *testing.T, f *fake, password, path string) *Web {
	t.Helper()
	f.password, f.jpeg = "s3cret/", []byte{0xff, 0xd8, 0xff}
	server := httptest.NewServer(f)
	t.Cleanup(server.Close)
	w, err := OpenWeb(server.URL+path, url.UserPassword("admin", password))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.client.CloseIdleConnections)
	return w
}

func (f *fake) asked() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	got := f.got
	f.got = nil
	return got
}

func TestCameraIsAskedForEverythingItCan(t *testing.T) {
	for name, f := range map[string]*fake{
		"token": {}, "token and digest": {digest: true}, "behind a translator": {elsewhere: "192.0.2.1:81"},
	} {
		t.Run(name, func(t *testing.T) {
			c := NewClient(start(t, f, "s3cret/", "/onvif/device_service"))
			able, err := c.Learn(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(Abilities{PTZ: true, Snapshot: true, Keyframe: true}, able); diff != "" {
				t.Error(diff)
			}
			jpeg, err := c.Snapshot(t.Context())
			if err != nil || len(jpeg) != 3 {
				t.Errorf("snapshot: got %d bytes, %v", len(jpeg), err)
			}
			f.asked()
			f.digest = false
			for _, test := range []struct {
				do   func() error
				want string
			}{
				{func() error { return c.Keyframe(t.Context(), 1) }, `<SetSynchronizationPoint xmlns="http://www.onvif.org/ver10/media/wsdl"><ProfileToken>sub</ProfileToken>`},
				{func() error { return c.Move(t.Context(), protocol.PTZ{Pan: -0.5, Tilt: 0.25}) }, `<ProfileToken>a&amp;b</ProfileToken><Velocity xmlns:t="http://www.onvif.org/ver10/schema"><t:PanTilt x="-0.500" y="0.250"/></Velocity><Timeout>PT1S</Timeout>`},
				{func() error { return c.Move(t.Context(), protocol.PTZ{Zoom: 1}) }, `<t:Zoom x="1.000"/></Velocity>`},
				{func() error { return c.Move(t.Context(), protocol.PTZ{}) }, `<PanTilt>true</PanTilt><Zoom>true</Zoom></Stop>`},
				{func() error { return c.Move(t.Context(), protocol.PTZ{Home: true}) }, `<GotoHomePosition`},
			} {
				if err := test.do(); err != nil || !strings.Contains(f.last, test.want) {
					t.Errorf("got %v and %s, want %s", err, f.last, test.want)
				}
			}
			want := []string{"SetSynchronizationPoint", "ContinuousMove", "ContinuousMove", "Stop", "GotoHomePosition"}
			if diff := cmp.Diff(want, f.asked()); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestWrongPasswordIsSaidOnce(t *testing.T) {
	for _, digest := range []bool{false, true} {
		f := &fake{digest: digest}
		c := NewClient(start(t, f, "wr0ng", "/onvif/device_service"))
		_, err := c.Learn(t.Context())
		if !errors.Is(err, ErrRefused) || strings.Contains(err.Error(), "wr0ng") {
			t.Errorf("got %v, want %v", err, ErrRefused)
		}
		if n := len(f.asked()); n > 3 {
			t.Errorf("the camera was asked %d times", n)
		}
	}
}

func TestStillFromAKnownPlaceNeedsNoONVIF(t *testing.T) {
	f := &fake{digest: true}
	w := start(t, f, "s3cret/", "/still.jpg")
	if jpeg, err := w.Still(t.Context()); err != nil || len(jpeg) != 3 {
		t.Errorf("got %d bytes, %v", len(jpeg), err)
	}
	f.jpeg = make([]byte, maxAnswer+1)
	if _, err := w.Still(t.Context()); err == nil || !strings.Contains(err.Error(), "more than") {
		t.Errorf("got %v for %d bytes", err, len(f.jpeg))
	}
}

func TestCameraSendsTheAgentToNoOtherHost(t *testing.T) {
	w := start(t, &fake{}, "s3cret/", "/moved")
	if _, err := w.Still(t.Context()); err == nil || !strings.Contains(err.Error(), "302") {
		t.Errorf("got %v, want the 302", err)
	}
}

func TestServerThatSaysNothingIsNotWaitedForLong(t *testing.T) {
	stuck := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { <-stuck }))
	t.Cleanup(func() { close(stuck); server.Close() })
	w, err := OpenWeb(server.URL+"/still.jpg", nil)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := w.Still(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestAddressesWithoutAFormAreRefusedWithoutTheirPassword(t *testing.T) {
	for _, spec := range []string{"camera", "ftp://camera/", "http://admin:hunter2@%zz/", "http:///x"} {
		if _, err := OpenWeb(spec, nil); err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: got %v", spec, err)
		}
	}
}

// FuzzChallenge: whatever a server wants, the password itself is never in the answer.
func FuzzChallenge(f *testing.F) {
	f.Add(`Digest realm="r", nonce="n", qop="auth"`)
	f.Add(`Digest realm="a,b" nonce=x algorithm=SHA-256`)
	f.Add(`Basic realm="r"`)
	f.Fuzz(func(t *testing.T, challenge string) {
		got := answerChallenge([]string{challenge}, url.UserPassword("u", "Pa55word!"), "GET", "/x")
		if strings.Contains(got, "Pa55word!") {
			t.Errorf("the password is in %q", got)
		}
	})
}

// FuzzAnswer: whatever a camera answers is profiles, or an error that people can read.
func FuzzAnswer(f *testing.F) {
	const envelope = `<s:Envelope xmlns:s="http://www.w3.org/2003/05/soap-envelope"><s:Body>%s</s:Body></s:Envelope>`
	for _, body := range []string{
		`<GetProfilesResponse><Profiles token="a"><VideoEncoderConfiguration/></Profiles></GetProfilesResponse>`,
		`<s:Fault><s:Code><s:Subcode><s:Value>ter:NotAuthorized</s:Value></s:Subcode></s:Code></s:Fault>`,
		`<s:Fault><s:Reason><s:Text>no</s:Text></s:Reason></s:Fault>`,
		``,
	} {
		f.Add(200, fmt.Appendf(nil, envelope, body))
	}
	f.Fuzz(func(t *testing.T, status int, answer []byte) {
		var profiles struct {
			Profiles []profile `xml:"Profiles"`
		}
		if err := decode(status, answer, &profiles); err != nil && len(err.Error()) > 1<<10+len(answer) {
			t.Errorf("the error has %d bytes", len(err.Error()))
		}
	})
}
