package nat

import "github.com/sightline-rtc/sightline/protocol"

// Advice says what would let more viewers reach a device directly, in plain words, the most useful first. It is empty where
// nothing could.
func Advice(n protocol.Network) []string {
	kind := KindOf(n)
	if kind == KindOpen || kind == KindFullCone || n.PortMapping != "" && kind != KindUDPBlocked {
		return nil
	}
	var advice []string
	if kind == KindUDPBlocked {
		advice = append(advice, "Let UDP out of this network, at least to the server's port 3478.")
	}
	if words := mapping(n, kind); words != "" {
		advice = append(advice, words)
	}
	if !n.IPv6 && kind != KindFirewall {
		advice = append(advice, "Switch IPv6 on in the router, or ask the provider for it: with IPv6 on both sides there is no NAT in the way.")
	}
	return advice
}

// mapping is what could be done about ports that the router does not open.
func mapping(n protocol.Network, kind Kind) string {
	switch {
	case n.DoubleNAT || n.MappingFault == protocol.MappingDoubleNAT:
		return "The router stands behind another one, the provider's or a second one of your own: a port that the first opens leads nowhere. " +
			"Have one of the two bridge, or ask the provider for a public IPv4 address."
	case kind == KindFirewall && n.Filtering == "":
		return ""
	case kind == KindFirewall:
		return "Have the firewall let UDP in to the camera's media port."
	}
	return faults[n.MappingFault]
}

var faults = map[protocol.MappingFault]string{
	protocol.MappingOff:     "The camera was told to ask the router for no port: start the agent with --port-mapping=auto, or forward its media port by hand.",
	protocol.MappingAbsent:  "Your router maps no ports: switch UPnP, NAT-PMP or PCP on in its settings, or forward the camera's media port by hand.",
	protocol.MappingRefused: "Your router refuses to map a port: allow UPnP for the camera in its settings, or forward the camera's media port by hand.",
	protocol.MappingBroken: "Your router says that it has opened a port, but nothing comes through: look for a firewall in its settings, restart it, " +
		"or forward the camera's media port by hand.",
}
