package protocol

// Network is what an end knows of the network that it is in. A device tells it of itself, a viewer within a session. The
// zero value knows nothing.
type Network struct {
	// Mapping and Filtering are how the NAT behaves (RFC 4787 sections 4.1 and 5); empty means not known, and a firewall
	// that does not translate has Public and a Filtering.
	Mapping   NATBehaviour `json:"mapping,omitempty"`
	Filtering NATBehaviour `json:"filtering,omitempty"`
	// Public says that the address seen outside is the end's own.
	Public bool `json:"public,omitempty"`
	// UDPBlocked says that nothing came back over UDP.
	UDPBlocked bool `json:"udp_blocked,omitempty"`
	// PortPreserved says that the NAT gives the port that the end has; PortStep is what a NAT with a mapping for each
	// destination adds from one to the next, 0 if there is no pattern.
	PortPreserved bool `json:"port_preserved,omitempty"`
	PortStep      int  `json:"port_step,omitempty"`
	// Hairpin says that an end reaches its own address outside.
	Hairpin bool `json:"hairpin,omitempty"`
	// DoubleNAT says that there is a second NAT beyond the first, such as a carrier's.
	DoubleNAT bool `json:"double_nat,omitempty"`
	// IPv6 says that the end is reached by IPv6.
	IPv6 bool `json:"ipv6,omitempty"`
	// PortMapping is the protocol that opened the router's ports, and empty where none did, which MappingFault tells why.
	PortMapping  PortMapping  `json:"port_mapping,omitempty"`
	MappingFault MappingFault `json:"mapping_fault,omitempty"`
	// TCP says that the end is reached over TCP from outside.
	TCP bool `json:"tcp,omitempty"`
}

// NATBehaviour is what a NAT's mapping or filtering depends on (RFC 4787).
type NATBehaviour string

// The behaviours.
const (
	NATEndpointIndependent NATBehaviour = "endpoint_independent"
	NATAddressDependent    NATBehaviour = "address_dependent"
	NATAddressAndPort      NATBehaviour = "address_and_port_dependent"
)

// PortMapping is a protocol that asks a router for a port.
type PortMapping string

// The protocols: RFC 6887, RFC 6886, and UPnP's Internet Gateway Device.
const (
	PortMappingPCP    PortMapping = "pcp"
	PortMappingNATPMP PortMapping = "nat_pmp"
	PortMappingUPnP   PortMapping = "upnp"
)

// MappingFault says why no port of the router leads to an end.
type MappingFault string

// The faults.
const (
	MappingOff       MappingFault = "off"        // the end was told not to ask
	MappingAbsent    MappingFault = "absent"     // no router answered any of the protocols
	MappingRefused   MappingFault = "refused"    // a router said no
	MappingDoubleNAT MappingFault = "double_nat" // the router's own address is not the one seen outside
	MappingBroken    MappingFault = "broken"     // a router said yes, and nothing came through
)

func (m *Network) validate() error {
	return checkSize("network", len(m.Mapping)+len(m.Filtering)+len(m.PortMapping)+len(m.MappingFault), MaxNameBytes)
}
