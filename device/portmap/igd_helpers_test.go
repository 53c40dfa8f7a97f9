package portmap

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// igdBox is a router that speaks UPnP's Internet Gateway Device, independent of the code under test.
type igdBox struct {
	web    *httptest.Server
	search *net.UDPConn

	mu                           sync.Mutex // guards what follows
	kind                         string     // of its service
	address                      string
	location                     string               // of its description, if it is not the true one
	describe                     http.HandlerFunc     // instead of its description
	control                      http.HandlerFunc     // instead of its service
	mapped                       map[string][2]string // "TCP 443" to client and port
	errors                       map[string]int       // by action
	foreverOnly, forgets, unseen bool
	said                         []string // actions
}

// newIGD starts a router, and returns it with the search that finds it.
func newIGD(t *testing.T) (*igdBox, search) {
	t.Helper()
	b := &igdBox{kind: wanIP1, address: "5.6.7.8", mapped: make(map[string][2]string), errors: make(map[string]int)}
	b.web = httptest.NewServer(b)
	var err error
	if b.search, err = net.ListenUDP("udp4", &net.UDPAddr{IP: loopback.AsSlice()}); err != nil {
		t.Fatal(err)
	}
	var serving sync.WaitGroup
	serving.Go(b.answerSearches)
	t.Cleanup(func() {
		b.search.Close()
		serving.Wait()
		b.web.Close()
	})
	return b, search{place: here, port: b.search.LocalAddr().(*net.UDPAddr).AddrPort().Port(), time: patience}
}

func (b *igdBox) change(f func(*igdBox)) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f(b)
}

func (b *igdBox) answerSearches() {
	request := make([]byte, 2048)
	for {
		n, from, err := b.search.ReadFromUDPAddrPort(request)
		if err != nil {
			return
		}
		if !strings.HasPrefix(string(request[:n]), "M-SEARCH * HTTP/1.1\r\n") {
			continue
		}
		b.mu.Lock()
		location := b.location
		b.mu.Unlock()
		if location == "" {
			location = b.web.URL + "/desc.xml"
		}
		_, _ = b.search.WriteToUDPAddrPort([]byte("HTTP/1.1 200 OK\r\nCACHE-CONTROL: max-age=120\r\nST: "+gatewayTypes[0]+
			"\r\nUSN: uuid:x\r\nEXT:\r\nSERVER: x UPnP/1.1 y\r\nLOCATION: "+location+"\r\n\r\n"), from)
	}
}

func (b *igdBox) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	describe, control := b.describe, b.control
	b.mu.Unlock()
	switch {
	case r.URL.Path == "/desc.xml" && describe != nil:
		describe(w, r)
	case r.URL.Path == "/desc.xml":
		fmt.Fprintf(w, descriptionXML, b.kind, "/ctl")
	case control != nil:
		control(w, r)
	default:
		b.act(w, r)
	}
}

const descriptionXML = `<?xml version="1.0"?>
<root xmlns="urn:schemas-upnp-org:device-1-0"><specVersion><major>1</major><minor>0</minor></specVersion>
<device><deviceType>urn:schemas-upnp-org:device:InternetGatewayDevice:1</deviceType>
<serviceList><service><serviceType>urn:schemas-upnp-org:service:Layer3Forwarding:1</serviceType><controlURL>/l3f</controlURL></service></serviceList>
<deviceList><device><deviceList><device>
<serviceList><service><serviceType>%s</serviceType><serviceId>x</serviceId><controlURL>%s</controlURL></service></serviceList>
</device></deviceList></device></deviceList></device></root>`

var argument = regexp.MustCompile(`<(New\w+)>([^<]*)</`)

func (b *igdBox) act(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	in := make(map[string]string)
	for _, m := range argument.FindAllStringSubmatch(string(body), -1) {
		in[m[1]] = m[2]
	}
	_, action, _ := strings.Cut(strings.Trim(r.Header.Get("SOAPAction"), `"`), "#")
	b.mu.Lock()
	defer b.mu.Unlock()
	b.said = append(b.said, action)
	out, code := b.do(action, in)
	if code != 0 {
		w.WriteHeader(http.StatusInternalServerError)
		fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><s:Fault><faultcode>s:Client</faultcode><faultstring>UPnPError</faultstring><detail><UPnPError xmlns="urn:schemas-upnp-org:control-1-0"><errorCode>%d</errorCode><errorDescription>no</errorDescription></UPnPError></detail></s:Fault></s:Body></s:Envelope>`, code)
		return
	}
	fmt.Fprintf(w, `<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body><u:%[1]sResponse xmlns:u="%s">%s</u:%[1]sResponse></s:Body></s:Envelope>`, action, b.kind, out)
}

func (b *igdBox) do(action string, in map[string]string) (out string, code int) {
	if code := b.errors[action]; code != 0 {
		return "", code
	}
	key := in["NewProtocol"] + " " + in["NewExternalPort"]
	target := [2]string{in["NewInternalClient"], in["NewInternalPort"]}
	switch action {
	case "GetExternalIPAddress":
		return "<NewExternalIPAddress>" + b.address + "</NewExternalIPAddress>", 0
	case "GetSpecificPortMappingEntry":
		at, ok := b.mapped[key]
		if !ok || b.unseen {
			return "", 714
		}
		return "<NewInternalPort>" + at[1] + "</NewInternalPort><NewInternalClient>" + at[0] +
			"</NewInternalClient><NewEnabled>1</NewEnabled><NewPortMappingDescription>x</NewPortMappingDescription><NewLeaseDuration>0</NewLeaseDuration>", 0
	case "AddPortMapping":
		if b.foreverOnly && in["NewLeaseDuration"] != "0" {
			return "", 725
		}
		if !b.forgets {
			b.mapped[key] = target // whosever it was
		}
		return "", 0
	case "AddAnyPortMapping":
		b.mapped["UDP 61000"] = target
		return "<NewReservedPort>61000</NewReservedPort>", 0
	case "DeletePortMapping":
		if _, ok := b.mapped[key]; !ok {
			return "", 714
		}
		delete(b.mapped, key)
		return "", 0
	}
	return "", 401
}

// target returns where a port leads, empty for nowhere.
func (b *igdBox) target(key string) string {
	b.mu.Lock()
	defer b.mu.Unlock()
	if at, ok := b.mapped[key]; ok {
		return net.JoinHostPort(at[0], at[1])
	}
	return ""
}

func found(t *testing.T, s search) *igd {
	t.Helper()
	g, err := findIGD(t.Context(), s, patience)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

var anyAddress = netip.IPv4Unspecified()

// endless is an answer without an end.
func endless(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		if _, err := w.Write([]byte("<root>" + strings.Repeat(" ", 4096))); err != nil {
			return
		}
	}
}

// peek reads the body of a request and leaves it to be read again.
func peek(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	r.Body = io.NopCloser(strings.NewReader(string(body)))
	return string(body)
}

func listen(t *testing.T, address string) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp4", address)
	if err != nil {
		t.Fatal(err)
	}
	return l
}
