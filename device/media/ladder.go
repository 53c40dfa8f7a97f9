package media

// OfferedH264 is one H.264 format of a viewer's offer.
type OfferedH264 struct {
	PayloadType       uint8
	Profile           ProfileLevelID
	PacketizationMode int
}

// ParseOfferedH264 reads the fmtp parameters of one H.264 payload type, with the defaults of RFC 6184 section 8.1.
func ParseOfferedH264(payloadType uint8, fmtp string) (OfferedH264, error) { panic("x") }

// ChooseH264 returns the format of the offer that a stream should be sent under, or a protocol.Error with CodeCodec.
func ChooseH264(stream ProfileLevelID, offer []OfferedH264) (OfferedH264, error) { panic("x") }
