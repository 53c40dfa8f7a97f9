package portmap

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"
)

// ssdp is where UPnP devices are searched for (UPnP Device Architecture 1.1 section 1.1).
var ssdp = netip.AddrPortFrom(netip.AddrFrom4([4]byte{239, 255, 255, 250}), ssdpPort)

const (
	ssdpPort = 1900
	// searchTime is how long a search goes on: the second sending, the second that MX allows for answers, and a little.
	searchTime  = 2500 * time.Millisecond
	searchAgain = time.Second
	// maxSSDP is more than the answers of known routers, which fit in one frame.
	maxSSDP = 2048
	// maxSearchJunk bounds the datagrams of one search, maxLocations the descriptions that are looked at.
	maxSearchJunk = 256
	maxLocations  = 4
)

// gatewayTypes are what is searched for. Version 2 must answer to 1 as well, and does not always.
var gatewayTypes = []string{
	"urn:schemas-upnp-org:device:InternetGatewayDevice:1",
	"urn:schemas-upnp-org:device:InternetGatewayDevice:2",
}

// search is a search for the description of the gateway, and of nothing else.
type search struct {
	place
	port  uint16         // of the gateway
	group netip.AddrPort // the zero value asks the gateway alone
	time  time.Duration
}

// run calls found with each place of a description that the gateway names, until found accepts one, which it reports.
func (s search) run(ctx context.Context, found func(*url.URL) bool) (bool, error) {
	conn, err := net.ListenUDP("udp4", net.UDPAddrFromAddrPort(netip.AddrPortFrom(s.local, 0)))
	if err != nil {
		return false, fmt.Errorf("search for upnp: %w", err)
	}
	defer func() { _ = conn.Close() }()
	if err := conn.SetReadDeadline(time.Now().Add(s.time)); err != nil {
		return false, fmt.Errorf("search for upnp: %w", err)
	}
	stop := context.AfterFunc(ctx, func() { _ = conn.SetReadDeadline(time.Unix(1, 0)) })
	defer stop()
	s.send(conn)
	again := time.AfterFunc(searchAgain, func() { s.send(conn) })
	defer again.Stop()
	return s.read(conn, found), nil
}

// send asks the gateway, and the network for those gateways that answer to nothing else. What is not sent is not answered.
func (s search) send(conn *net.UDPConn) {
	for _, to := range []netip.AddrPort{netip.AddrPortFrom(s.gateway, s.port), s.group} {
		if !to.IsValid() {
			continue
		}
		for _, device := range gatewayTypes {
			request := "M-SEARCH * HTTP/1.1\r\nHOST: " + to.String() + "\r\nMAN: \"ssdp:discover\"\r\nMX: 1\r\nST: " + device + "\r\n\r\n"
			_, _ = conn.WriteToUDPAddrPort([]byte(request), to)
		}
	}
}

// read looks at answers until the socket's deadline.
func (s search) read(conn *net.UDPConn, found func(*url.URL) bool) bool {
	b := make([]byte, maxSSDP)
	seen := make(map[string]bool)
	for range maxSearchJunk {
		n, from, err := conn.ReadFromUDPAddrPort(b)
		if err != nil {
			return false
		}
		if from.Addr().Unmap() != s.gateway {
			continue
		}
		location, ok := decodeSearch(b[:n])
		if !ok || !onHost(location, s.gateway) || seen[location.String()] {
			continue
		}
		if len(seen) == maxLocations {
			return false
		}
		seen[location.String()] = true
		if found(location) {
			return true
		}
	}
	return false
}

// decodeSearch reads where a description is from an answer to a search.
func decodeSearch(b []byte) (*url.URL, bool) {
	response, err := http.ReadResponse(bufio.NewReader(bytes.NewReader(b)), nil)
	if err != nil {
		return nil, false
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, false
	}
	location, err := url.Parse(response.Header.Get("Location"))
	return location, err == nil
}

// onHost reports whether a URL is one of HTTP on a machine that is named by its address.
func onHost(u *url.URL, host netip.Addr) bool {
	a, err := netip.ParseAddr(u.Hostname())
	return err == nil && a == host && u.Scheme == "http" && u.User == nil
}
