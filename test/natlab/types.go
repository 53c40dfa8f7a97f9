//go:build linux

package natlab

// Type is what stands between an end of a town and the internet, in the words of RFC 4787. All but the first two translate
// addresses; none but those of the carriers does so twice.
type Type string

// The types. EIM is endpoint-independent mapping: one port outside for one socket inside. Filtering is by address and port
// where nothing else is said: who was not spoken to cannot answer.
const (
	Open                Type = "none"     // a public address, no filter
	Firewall            Type = "fw"       // a public address behind a stateful firewall
	FullCone            Type = "full"     // EIM, no filtering
	AddressRestricted   Type = "addr"     // EIM, filters by address only
	PortRestricted      Type = "port"     // EIM, keeps the port's number
	PortChanging        Type = "eimnp"    // EIM, changes the port's number
	SymmetricSequential Type = "symseq"   // a port for each destination, each one more than the last
	SymmetricAddress    Type = "symadm"   // a port for each destination's address
	Symmetric           Type = "sym"      // a random port for each destination
	PortAnswering       Type = "port-acc" // as PortRestricted, and the router answers strays with ICMP instead of dropping them
	UDPBlocked          Type = "udpblk"   // no UDP to the outside
	OnlyWeb             Type = "tcp443"   // nothing leaves but TCP to the ports 80 and 443
	CarrierPort         Type = "cgnport"  // PortRestricted behind a carrier's PortChanging
	CarrierFull         Type = "cgnfull"  // PortRestricted behind a carrier's FullCone
	CarrierSymmetric    Type = "cgnsym"   // PortRestricted behind a carrier's Symmetric
)

// The types that only a viewer has: they share something with the device, whatever that is behind.
const (
	SameLAN     Type = "samelan" // another host in the device's own network
	SameCarrier Type = "samecgn" // a PortRestricted of its own behind the device's carrier; the device must have one
)

// DeviceTypes and ViewerTypes are the sides of the matrix, 12 × 11. SymmetricAddress is as rare as it is like Symmetric:
// the viewer does without.
var (
	DeviceTypes = []Type{
		Open, Firewall, FullCone, AddressRestricted, PortRestricted, PortChanging, SymmetricSequential, SymmetricAddress, Symmetric,
		CarrierPort, CarrierSymmetric, UDPBlocked,
	}
	ViewerTypes = []Type{
		Open, Firewall, FullCone, AddressRestricted, PortRestricted, PortChanging, SymmetricSequential, Symmetric,
		CarrierPort, CarrierSymmetric, UDPBlocked,
	}
)

// AllTypes are the types that either end may have.
var AllTypes = []Type{
	Open, Firewall, FullCone, AddressRestricted, PortRestricted, PortChanging, SymmetricSequential, SymmetricAddress, Symmetric,
	PortAnswering, UDPBlocked, OnlyWeb, CarrierPort, CarrierFull, CarrierSymmetric,
}

// carriers are what the carrier of a type does; the home router before it is PortRestricted.
var carriers = map[Type]Type{CarrierPort: PortChanging, CarrierFull: FullCone, CarrierSymmetric: Symmetric}

// public are the types whose hosts have public addresses.
func (t Type) public() bool { return t == Open || t == Firewall }
