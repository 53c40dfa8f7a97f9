package portmap

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// PCP's numbers (RFC 6887 sections 7, 11.1, 14.1.1, and 19).
const (
	pcpVersion   = 2
	pcpHeader    = 24
	pcpMap       = 36 // what the MAP opcode adds to the header
	opAnnounce   = 0
	opMap        = 1
	responseBit  = 0x80
	protocolTCP  = 6
	protocolUDP  = 17
	pcpNonceSize = 12
)

// pcpResult is a result code of PCP (RFC 6887 section 7.4).
type pcpResult uint8

const (
	pcpSuccess            pcpResult = 0
	pcpUnsupportedVersion pcpResult = 1
	pcpNetworkFailure     pcpResult = 7
	pcpCannotProvide      pcpResult = 11
)

// pcpNonce ties answers, renewals and the removal to the mapping that one asked for.
type pcpNonce [pcpNonceSize]byte

// pcpMapping is the part of the MAP opcode, the same in requests and responses.
type pcpMapping struct {
	nonce    pcpNonce
	protocol uint8
	internal uint16
	external netip.AddrPort // suggested, or assigned; the zero value suggests nothing
}

// pcpResponse is a response. mapping is only there if opcode is opMap.
type pcpResponse struct {
	opcode   uint8
	result   pcpResult
	lifetime uint32 // seconds
	epoch    uint32 // seconds
	mapping  pcpMapping
}

// encodePCP writes the header of a request.
func encodePCP(opcode uint8, lifetime uint32, client netip.Addr) []byte {
	b := make([]byte, 0, pcpHeader+pcpMap)
	b = append(b, pcpVersion, opcode, 0, 0)
	b = binary.BigEndian.AppendUint32(b, lifetime)
	own := client.As16()
	return append(b, own[:]...)
}

// encodeMap writes a whole MAP request.
func encodeMap(m pcpMapping, lifetime uint32, client netip.Addr) []byte {
	b := encodePCP(opMap, lifetime, client)
	b = append(b, m.nonce[:]...)
	b = append(b, m.protocol, 0, 0, 0)
	b = binary.BigEndian.AppendUint16(b, m.internal)
	b = binary.BigEndian.AppendUint16(b, m.external.Port())
	suggested := netip.IPv4Unspecified() // of the family that is wanted
	if m.external.Addr().IsValid() {
		suggested = m.external.Addr()
	}
	external := suggested.As16()
	return append(b, external[:]...)
}

// decodePCP reads a response to one of the requests above. Options are not looked at: none was asked for.
func decodePCP(b []byte) (pcpResponse, error) {
	switch {
	case len(b) < pcpHeader || len(b) > maxDatagram || len(b)%4 != 0:
		return pcpResponse{}, fmt.Errorf("%w: %d bytes", errBroken, len(b))
	case b[0] != pcpVersion:
		return pcpResponse{}, fmt.Errorf("%w: version %d", errBroken, b[0])
	case b[1]&responseBit == 0:
		return pcpResponse{}, fmt.Errorf("%w: a request", errBroken)
	}
	r := pcpResponse{
		opcode:   b[1] &^ responseBit,
		result:   pcpResult(b[3]),
		lifetime: binary.BigEndian.Uint32(b[4:]),
		epoch:    binary.BigEndian.Uint32(b[8:]),
	}
	if r.opcode != opMap {
		return r, nil
	}
	if len(b) < pcpHeader+pcpMap {
		return pcpResponse{}, fmt.Errorf("%w: a MAP response of %d bytes", errBroken, len(b))
	}
	b = b[pcpHeader:]
	r.mapping = pcpMapping{
		nonce:    pcpNonce(b),
		protocol: b[12],
		internal: binary.BigEndian.Uint16(b[16:]),
		external: netip.AddrPortFrom(netip.AddrFrom16([16]byte(b[20:])).Unmap(), binary.BigEndian.Uint16(b[18:])),
	}
	return r, nil
}
