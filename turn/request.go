package turn

import (
	"encoding/binary"
	"net/netip"
	"slices"

	"github.com/pion/stun/v4"
)

// The types of the requests that the gate looks at (RFC 8489 section 5, RFC 8656 section 17).
const (
	requestAllocate   = 0x0003
	requestRefresh    = 0x0004
	requestPermission = 0x0008
	requestChannel    = 0x0009

	protocolTCP     = 6 // in a REQUESTED-TRANSPORT (RFC 8656 section 18.7)
	attributeHeader = 4
	integrityValue  = 20 // HMAC-SHA1 (RFC 8489 section 14.5)
)

// request is a STUN request as the gate reads it, without a copy: up to its MESSAGE-INTEGRITY if it has one.
type request struct {
	message  []byte
	kind     uint16
	username []byte
	// lifetime is the value of the first LIFETIME, nil if there is none.
	lifetime []byte
	// channel is the value of the first CHANNEL-NUMBER.
	channel []byte
	// transport is the value of the first REQUESTED-TRANSPORT.
	transport []byte
	// peers has the values of all XOR-PEER-ADDRESS attributes.
	peers [][]byte
	// integrity is the value of MESSAGE-INTEGRITY, with which the message ends.
	integrity []byte
}

// isRequest tells a STUN request of one of the methods that there are: the upper bits of the method are zero, and so is the
// class (RFC 8489 section 5).
func isRequest(message []byte) bool {
	return len(message) >= stunHeader && message[0] == 0 && message[1]&0x10 == 0
}

// readRequest reads a request. It reports false when the message is not well-formed; pion/turn then says so.
func readRequest(message []byte) (request, bool) {
	end := stunHeader + int(binary.BigEndian.Uint16(message[2:]))
	if binary.BigEndian.Uint32(message[4:]) != magicCookie || end > len(message) {
		return request{}, false
	}
	r := request{message: message[:end], kind: binary.BigEndian.Uint16(message)}
	over := false
	for at := stunHeader; at < end; {
		if at+attributeHeader > end {
			return request{}, false
		}
		kind := stun.AttrType(binary.BigEndian.Uint16(message[at:]))
		size := int(binary.BigEndian.Uint16(message[at+2:]))
		next := at + attributeHeader + (size+3)&^3
		if next > end {
			return request{}, false
		}
		value := message[at+attributeHeader : at+attributeHeader+size]
		at = next
		if over {
			continue
		}
		switch kind {
		case stun.AttrUsername:
			keepFirst(&r.username, value)
		case stun.AttrLifetime:
			keepFirst(&r.lifetime, value)
		case stun.AttrChannelNumber:
			keepFirst(&r.channel, value)
		case stun.AttrRequestedTransport:
			keepFirst(&r.transport, value)
		case stun.AttrXORPeerAddress:
			r.peers = append(r.peers, value)
		case stun.AttrMessageIntegrity:
			if size != integrityValue {
				return request{}, false
			}
			r.message, r.integrity = message[:next], value
			return r, true
		case stun.AttrMessageIntegritySHA256:
			over = true // pion/stun drops what follows, and pion/turn refuses what MESSAGE-INTEGRITY does not prove
		}
	}
	return r, true
}

func keepFirst(field *[]byte, value []byte) {
	if *field == nil {
		*field = value
	}
}

// peer reads an XOR-PEER-ADDRESS (RFC 8656 section 18.3). It reports false for one that pion/turn answers with 400, or
// reads in a way of its own.
func (r *request) peer(value []byte) (netip.AddrPort, bool) {
	if len(value) < 4 || value[0] != 0 {
		return netip.AddrPort{}, false
	}
	var mask [16]byte
	copy(mask[:], r.message[4:stunHeader])
	size := map[byte]int{1: 4, 2: 16}[value[1]]
	if size == 0 || len(value) != 4+size {
		return netip.AddrPort{}, false
	}
	var b [16]byte
	for i := range size {
		b[i] = value[4+i] ^ mask[i]
	}
	addr, _ := netip.AddrFromSlice(b[:size])
	return netip.AddrPortFrom(addr.Unmap(), binary.BigEndian.Uint16(value[2:])^magicCookie>>16), true
}

// cut ends the message with its MESSAGE-INTEGRITY: what follows is protected by nothing, and RFC 8489 section 14.5 has it
// ignored, but for a FINGERPRINT that nobody needs.
func (r *request) cut() {
	binary.BigEndian.PutUint16(r.message[2:], uint16(len(r.message)-stunHeader)) //nolint:gosec // at most maxFrame
}

// proves reports whether the message was made with the key. pion/stun computes the proof in what the slice has room for
// behind the message, where on a stream the next one stands: there must be none.
func (r *request) proves(key []byte) bool {
	message := &stun.Message{Raw: slices.Clip(r.message)}
	return message.Decode() == nil && stun.MessageIntegrity(key).Check(message) == nil
}

// sign replaces the MESSAGE-INTEGRITY after a change.
func (r *request) sign(key []byte) error {
	message := &stun.Message{Raw: append([]byte(nil), r.message[:len(r.message)-integrityValue-attributeHeader]...)}
	binary.BigEndian.PutUint16(message.Raw[2:], uint16(len(message.Raw)-stunHeader)) //nolint:gosec // at most maxFrame
	if err := message.Decode(); err != nil {
		return err
	}
	if err := stun.MessageIntegrity(key).AddTo(message); err != nil {
		return err
	}
	copy(r.message, message.Raw)
	return nil
}

// refuse builds the answer that says why a request is not granted.
func (r *request) refuse(code stun.ErrorCode, key []byte) []byte {
	var id [stun.TransactionIDSize]byte
	copy(id[:], r.message[8:stunHeader])
	answer, err := stun.Build(
		stun.NewTransactionIDSetter(id), stun.NewType(stun.Method(r.kind), stun.ClassErrorResponse), code,
		stun.MessageIntegrity(key),
	)
	if err != nil {
		return nil
	}
	return answer.Raw
}
