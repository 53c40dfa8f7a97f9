//go:build linux

package natlab

import (
	"context"
	"encoding/binary"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// askers are what may ask a router to map a UDP port to itself.
var askers = map[Protocols]func(*testing.T, *Host, netip.Addr, uint16) bool{PCP: askPCP, NATPMP: askNATPMP, UPnP: askUPnP}

func TestARouterMapsPortsByEachProtocolAlone(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: Symmetric, Viewer: Symmetric, Mapping: true, Protocols: PCP})
	for _, spoken := range []Protocols{PCP, NATPMP, UPnP} {
		if err := town.Mapper().Restart(t.Context(), spoken); err != nil {
			t.Fatal(err)
		}
		for protocol, ask := range askers {
			s := socket(t, town.Device())
			local := addrPort(s)
			want := protocol == spoken
			if got := ask(t, town.Device(), town.Device().gateway, local.Port()); got != want {
				t.Errorf("of protocols %b, %b maps a port: %v, want %v", spoken, protocol, got, want)
			}
			to := netip.AddrPortFrom(town.Outside(DeviceSide), local.Port())
			if got := passes(t, socket(t, town.Viewer()), to, s); got != want {
				t.Errorf("of protocols %b, a stranger comes in by a port that %b mapped: %v, want %v", spoken, protocol, got, want)
			}
		}
	}
}

func TestAStoppedRouterTakesItsMappingsBack(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: PortRestricted, Viewer: Open, Mapping: true})
	device, m := town.Device(), town.Mapper()
	if !askNATPMP(t, device, device.gateway, 4000) {
		t.Fatal("the router maps no port")
	}
	if got := rules(t, m); len(got) != 1 || !strings.Contains(got[0], "4000") {
		t.Errorf("the router has the rules %q, want one for port 4000", got)
	}
	if err := m.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := rules(t, m); len(got) > 0 {
		t.Errorf("the stopped router has the rules %q", got)
	}
	if askNATPMP(t, device, device.gateway, 4000) {
		t.Error("a stopped router maps a port")
	}
	if err := m.Start(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if !askPCP(t, device, device.gateway, 4000) {
		t.Error("the router maps no port after it was started again")
	}
	if err := m.Start(t.Context(), 0); err == nil {
		t.Error("a running router is started")
	}
	if err := m.Restart(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if got := rules(t, m); len(got) > 0 {
		t.Errorf("the router has the rules %q after a power cut", got)
	}
}

func TestARouterBehindACarrierMapsNothing(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: CarrierFull, Viewer: Open, Mapping: true})
	for protocol, ask := range askers {
		if ask(t, town.Device(), town.Device().gateway, 4000) {
			t.Errorf("the router maps a port by protocol %b", protocol)
		}
	}
}

func TestOnlyHomeRoutersMapPorts(t *testing.T) {
	t.Parallel()
	town := town(t, TownConfig{Device: Firewall, Viewer: Open, Mapping: true})
	if town.Mapper() != nil {
		t.Error("a firewall maps ports")
	}
	if err := town.Rebuild(t.Context(), FullCone, Open); err != nil {
		t.Fatal(err)
	}
	if town.Mapper() == nil {
		t.Error("a home router maps no ports")
	}
}

func rules(t *testing.T, m *Mapper) []string {
	t.Helper()
	all, err := m.Mappings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// exchange sends a datagram and returns the first answer, nil if there is none.
func exchange(t *testing.T, h *Host, to netip.AddrPort, request []byte) []byte {
	t.Helper()
	conn := socket(t, h)
	if _, err := conn.WriteTo(request, net.UDPAddrFromAddrPort(to)); err != nil {
		t.Fatal(err)
	}
	if err := conn.SetReadDeadline(time.Now().Add(500 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	b := make([]byte, 2048)
	n, _, err := conn.ReadFrom(b)
	if err != nil {
		return nil
	}
	return b[:n]
}

// askPCP sends a MAP request (RFC 6887 section 11.1).
func askPCP(t *testing.T, h *Host, router netip.Addr, port uint16) bool {
	self := h.Addr.As16()
	request := append([]byte{2, 1, 0, 0, 0, 0, 0x0e, 0x10}, self[:]...)
	request = append(request, "twelve bytes"...)
	request = append(request, 17, 0, 0, 0)
	request = binary.BigEndian.AppendUint16(request, port)
	request = binary.BigEndian.AppendUint16(request, port)
	none := netip.MustParseAddr("0.0.0.0").As16()
	request = append(request, none[:]...)
	answer := exchange(t, h, netip.AddrPortFrom(router, mappingPort), request)
	return len(answer) >= 60 && answer[1] == 0x81 && answer[3] == 0
}

// askNATPMP sends a mapping request (RFC 6886 section 3.3).
func askNATPMP(t *testing.T, h *Host, router netip.Addr, port uint16) bool {
	request := []byte{0, 1, 0, 0}
	request = binary.BigEndian.AppendUint16(request, port)
	request = binary.BigEndian.AppendUint16(request, port)
	request = binary.BigEndian.AppendUint32(request, 3600)
	answer := exchange(t, h, netip.AddrPortFrom(router, mappingPort), request)
	return len(answer) == 16 && answer[1] == 129 && binary.BigEndian.Uint16(answer[2:]) == 0
}

// askUPnP looks for a gateway (UPnP Device Architecture section 1.3.2) and calls its action AddPortMapping.
func askUPnP(t *testing.T, h *Host, _ netip.Addr, port uint16) bool {
	const service = "urn:schemas-upnp-org:service:WANIPConnection:1"
	answer := exchange(t, h, netip.MustParseAddrPort("239.255.255.250:1900"), []byte(strings.ReplaceAll(`M-SEARCH * HTTP/1.1
HOST: 239.255.255.250:1900
MAN: "ssdp:discover"
MX: 1
ST: `+service+"\n\n", "\n", "\r\n")))
	_, location, found := strings.Cut(string(answer), "LOCATION: ")
	if !found {
		return false
	}
	location, _, _ = strings.Cut(location, "\r\n")
	client := &http.Client{Transport: &http.Transport{DialContext: h.Dial, DisableKeepAlives: true}, Timeout: 5 * time.Second}
	description := call(t, client, http.MethodGet, location, "", "")
	_, after, _ := strings.Cut(description, "WANIPConnection:")
	_, control, _ := strings.Cut(after, "<controlURL>")
	control, _, _ = strings.Cut(control, "</controlURL>")
	base := location[:strings.LastIndex(location, "/")]
	result := call(t, client, http.MethodPost, base+control, service+"#AddPortMapping", fmt.Sprintf(`<?xml version="1.0"?>
<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/" s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"><s:Body>
<u:AddPortMapping xmlns:u="%s"><NewRemoteHost></NewRemoteHost><NewExternalPort>%d</NewExternalPort><NewProtocol>UDP</NewProtocol>
<NewInternalPort>%[2]d</NewInternalPort><NewInternalClient>%s</NewInternalClient><NewEnabled>1</NewEnabled>
<NewPortMappingDescription>test</NewPortMappingDescription><NewLeaseDuration>3600</NewLeaseDuration></u:AddPortMapping></s:Body></s:Envelope>`,
		service, port, h.Addr))
	return strings.Contains(result, "AddPortMappingResponse")
}

func call(t *testing.T, client *http.Client, method, url, action, body string) string {
	t.Helper()
	request, err := http.NewRequestWithContext(context.WithoutCancel(t.Context()), method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if action != "" {
		request.Header.Set("SOAPAction", `"`+action+`"`)
		request.Header.Set("Content-Type", "text/xml")
	}
	response, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(io.LimitReader(response.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
