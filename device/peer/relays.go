package peer

import (
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// moreRelays reports whether there are relays that ICE could still be given. It needs mu.
func (p *Peer) moreRelays() bool {
	return !p.relaying && p.policy.Path != protocol.PathDirectOnly && p.policy.Path != protocol.PathRelayOnly &&
		len(turnServers(p.servers)) > 0
}

// configuration is what ICE may use now: relays only when there is no other way (the viewer's is enough, halves the
// allocations, and spares browsers a check through ours that comes before its candidate), or when policy has nothing
// else. STUN is never the library's business: see package reach. It needs mu.
func (p *Peer) configuration() webrtc.Configuration {
	c := webrtc.Configuration{Certificates: []webrtc.Certificate{p.host.certificate}}
	if p.policy.Path != protocol.PathDirectOnly && p.relaying || p.policy.Path == protocol.PathRelayOnly {
		c.ICEServers = turnServers(p.servers)
	}
	return c
}

// turnServers returns the relays of a list, each URL with its credentials.
func turnServers(servers []protocol.ICEServer) []webrtc.ICEServer {
	var relays []webrtc.ICEServer
	for _, s := range servers {
		if s.Username == "" || s.Credential == "" {
			continue
		}
		var urls []string
		for _, url := range s.URLs {
			if strings.HasPrefix(url, "turn:") || strings.HasPrefix(url, "turns:") {
				urls = append(urls, url)
			}
		}
		if len(urls) > 0 {
			relays = append(relays, webrtc.ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
		}
	}
	return relays
}
