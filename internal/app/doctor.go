package app

import (
	"encoding/json"
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// doctorPath is where the page /doctor learns which STUN servers it may ask.
const doctorPath = "/doctor/servers"

// doctorServers tells anybody the STUN servers that every viewer is given. There are no credentials among them.
func (s *Server) doctorServers(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	own := s.relay.STUN()
	urls := slices.Concat(own, onPort(own, s.config.TurnAltPort), s.config.STUNURL)
	_ = json.NewEncoder(w).Encode(struct { // the asker may have gone
		ICEServers []protocol.ICEServer `json:"ice_servers"`
	}{[]protocol.ICEServer{{URLs: urls}}})
}

// otherSTUN are the STUN servers beside the relay's own that everybody is told, and those that devices are told as well: more
// that the operator names, and the relay's own at another port. From a
// second place an end sees whether its NAT gives each destination a port of its own. A page asks every server in each
// viewing, and Chromium is slower with five or more: it is told of another port only where the relay has one address of a
// family.
func otherSTUN(own, more []string, port uint16) (everybody, devices []string) {
	everybody = slices.Clone(more)
	others := onPort(own, port)
	ofFamily := map[bool]int{}
	for _, url := range others {
		ofFamily[isIPv6(url)]++
	}
	for _, url := range others {
		if ofFamily[isIPv6(url)] == 1 {
			everybody = append(everybody, url)
		} else {
			devices = append(devices, url)
		}
	}
	return everybody, devices
}

// onPort returns the same servers at another port, which shows whether a NAT gives each destination a port of its own; none
// for port 0.
func onPort(urls []string, port uint16) []string {
	if port == 0 {
		return nil
	}
	var others []string
	for _, url := range urls {
		at, err := netip.ParseAddrPort(strings.TrimPrefix(url, "stun:"))
		if err == nil && at.Port() != port {
			others = append(others, "stun:"+netip.AddrPortFrom(at.Addr(), port).String())
		}
	}
	return others
}

// isIPv6 tells the family of a STUN server that is an address.
func isIPv6(url string) bool { return strings.HasPrefix(url, "stun:[") }
