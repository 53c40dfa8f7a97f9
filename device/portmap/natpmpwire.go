package portmap

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// NAT-PMP's numbers (RFC 6886 sections 3.2 and 3.3).
const (
	natpmpVersion = 0
	opAddress     = 0
	opMapUDP      = 1
	opMapTCP      = 2
	addressAnswer = 12 // bytes
	mapAnswer     = 16
	errorAnswer   = 8 // what errors may be cut to

	natpmpSucceeds       = 0
	natpmpNetworkFailure = 3 // no address outside, or none that is of use
)

// natpmpResponse is a response. address is only there if opcode is opAddress, the ports and the lifetime with the others,
// and none of them if result is not natpmpSucceeds.
type natpmpResponse struct {
	opcode             uint8
	result             uint16
	epoch              uint32 // seconds
	address            netip.Addr
	internal, external uint16
	lifetime           uint32 // seconds
}

// encodeAddress writes the request for the router's address outside.
func encodeAddress() []byte { return []byte{natpmpVersion, opAddress} }

// encodeNATPMP writes a request that maps a port. Both external and lifetime of 0 remove it (RFC 6886 section 3.4).
func encodeNATPMP(opcode uint8, internal, external uint16, lifetime uint32) []byte {
	b := []byte{natpmpVersion, opcode, 0, 0}
	b = binary.BigEndian.AppendUint16(b, internal)
	b = binary.BigEndian.AppendUint16(b, external)
	return binary.BigEndian.AppendUint32(b, lifetime)
}

// speaksNATPMP reports whether a datagram is of NAT-PMP, which is what a router answers that does not know PCP (RFC 6887
// appendix A).
func speaksNATPMP(b []byte) bool {
	return len(b) >= 4 && b[0] == natpmpVersion && b[1]&responseBit != 0
}

// decodeNATPMP reads a response.
func decodeNATPMP(b []byte) (natpmpResponse, error) {
	if len(b) < errorAnswer || !speaksNATPMP(b) {
		return natpmpResponse{}, fmt.Errorf("%w: no response of nat-pmp in %d bytes", errBroken, len(b))
	}
	r := natpmpResponse{
		opcode: b[1] &^ responseBit,
		result: binary.BigEndian.Uint16(b[2:]),
		epoch:  binary.BigEndian.Uint32(b[4:]),
	}
	switch {
	case r.result != natpmpSucceeds:
	case r.opcode == opAddress && len(b) == addressAnswer:
		r.address = netip.AddrFrom4([4]byte(b[8:]))
	case (r.opcode == opMapUDP || r.opcode == opMapTCP) && len(b) == mapAnswer:
		r.internal = binary.BigEndian.Uint16(b[8:])
		r.external = binary.BigEndian.Uint16(b[10:])
		r.lifetime = binary.BigEndian.Uint32(b[12:])
	default:
		return natpmpResponse{}, fmt.Errorf("%w: opcode %d in %d bytes", errBroken, r.opcode, len(b))
	}
	return r, nil
}
