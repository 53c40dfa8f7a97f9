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
