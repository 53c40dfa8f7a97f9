package peer

import (
	"strings"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// moreRelays reports whether there are relays that ICE could still be given. It needs mu.
func (p *Peer) moreRelays() bool {
	return !p.relaying && p.policy.Path != protocol.PathDirectOnly && p.policy.Path != protocol.PathRelayOnly &&
		len(turnServers(p.servers, protocol.Network{})) > 0
}

// configuration is what ICE may use now: relays only when there is no other way (the viewer's is enough, halves the
// allocations, and spares browsers a check through ours that comes before its candidate), or when policy has nothing
// else. STUN is never the library's business: see package reach. It needs mu.
func (p *Peer) configuration() webrtc.Configuration {
	c := webrtc.Configuration{Certificates: []webrtc.Certificate{p.host.certificate}}
	if p.policy.Path != protocol.PathDirectOnly && p.relaying || p.policy.Path == protocol.PathRelayOnly {
		c.ICEServers = turnServers(p.servers, p.network)
	}
	return c
}

// shut reports whether nobody comes to a device: no UDP gets out of its network, and nothing leads to it over TCP.
func shut(n protocol.Network) bool { return n.UDPBlocked && !n.TCP }

// needRelays takes up relays at once where the device is shut in: nothing else can work, but for a viewer that listens over
// TCP. A device that TCP leads to waits for it: browsers try none once a relay works.
func (p *Peer) needRelays() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if shut(p.network) && p.moreRelays() {
		p.relaying, p.life.relays = true, false
	}
}

// turnServers returns the relays of a list, each URL with its credentials. Each URL is an allocation: where the network is
// known, those that it does not need are left out.
func turnServers(servers []protocol.ICEServer, network protocol.Network) []webrtc.ICEServer {
	var relays, fitting []webrtc.ICEServer
	for _, s := range servers {
		if s.Username == "" || s.Credential == "" {
			continue
		}
		var urls, fit []string
		for _, url := range s.URLs {
			if !strings.HasPrefix(url, "turn:") && !strings.HasPrefix(url, "turns:") {
				continue
			}
			urls = append(urls, url)
			udp := strings.HasPrefix(url, "turn:") && !strings.HasSuffix(url, "transport=tcp")
			if udp && !network.UDPBlocked || !udp && network.Mapping == "" && !network.Public {
				fit = append(fit, url)
			}
		}
		relays = appendServer(relays, s, urls)
		fitting = appendServer(fitting, s, fit)
	}
	if len(fitting) > 0 {
		return fitting
	}
	return relays
}

func appendServer(list []webrtc.ICEServer, s protocol.ICEServer, urls []string) []webrtc.ICEServer {
	if len(urls) == 0 {
		return list
	}
	return append(list, webrtc.ICEServer{URLs: urls, Username: s.Username, Credential: s.Credential})
}
