package portmap

import (
	"context"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"net/url"
)

// The services that map ports, best first: IGD:2, which knows AddAnyPortMapping, IGD:1, and IGD:1 over PPP.
const (
	wanIP2 = "urn:schemas-upnp-org:service:WANIPConnection:2"
	wanIP1 = "urn:schemas-upnp-org:service:WANIPConnection:1"
	wanPPP = "urn:schemas-upnp-org:service:WANPPPConnection:1"
)

// maxServices bounds the services of one router that are tried: one with two lines to the Internet has two or four.
const maxServices = 8

// service is one that maps ports, and where it is controlled.
type service struct {
	kind    string
	control *url.URL
}

// description is the part of a device description (UPnP Device Architecture 1.1 section 2.3) that leads to services.
type description struct {
	URLBase string     `xml:"URLBase"`
	Device  deviceNode `xml:"device"`
}

type deviceNode struct {
	Services []struct {
		Type    string `xml:"serviceType"`
		Control string `xml:"controlURL"`
	} `xml:"serviceList>service"`
	Devices []deviceNode `xml:"deviceList>device"`
}

// describe fetches a description from the gateway and picks the services that map ports.
func describe(ctx context.Context, client *http.Client, location *url.URL, gateway netip.Addr) ([]service, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, location.String(), http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("describe gateway: %w", err)
	}
	response, err := client.Do(request)
	if err != nil {
		return nil, fmt.Errorf("describe gateway: %w", err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("describe gateway: %w: %s", errBroken, response.Status)
	}
	return decodeDescription(response.Body, location, gateway)
}

// decodeDescription reads the services that map ports and are controlled on the gateway itself, best first.
func decodeDescription(from io.Reader, location *url.URL, gateway netip.Addr) ([]service, error) {
	var d description
	decoder := xml.NewDecoder(from)
	// Types and paths are ASCII in whatever charset a router claims.
	decoder.CharsetReader = func(_ string, r io.Reader) (io.Reader, error) { return r, nil }
	if err := decoder.Decode(&d); err != nil {
		return nil, fmt.Errorf("read description: %w: %w", errBroken, err)
	}
	base := location
	if d.URLBase != "" {
		given, err := url.Parse(d.URLBase)
		if err != nil {
			return nil, fmt.Errorf("read description: %w: %w", errBroken, err)
		}
		base = location.ResolveReference(given)
	}
	found := make(map[string][]service)
	d.Device.collect(found, func(control string) (*url.URL, bool) {
		u, err := base.Parse(control)
		return u, err == nil && onHost(u, gateway)
	})
	var services []service
	for _, kind := range []string{wanIP2, wanIP1, wanPPP} {
		services = append(services, found[kind]...)
	}
	return services[:min(len(services), maxServices)], nil
}

// collect sorts the services of a device and those within by their type.
func (n *deviceNode) collect(found map[string][]service, resolve func(string) (*url.URL, bool)) {
	for _, s := range n.Services {
		if u, ok := resolve(s.Control); ok {
			found[s.Type] = append(found[s.Type], service{kind: s.Type, control: u})
		}
	}
	for i := range n.Devices {
		n.Devices[i].collect(found, resolve)
	}
}
