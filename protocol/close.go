package protocol

import "strconv"

// CloseCode is the WebSocket close code of a link (RFC 6455 section 7.4.2). The range tells a client what to do:
// 4000 to 4499 come back, 4500 to 4999 not like this.
type CloseCode int

// The close codes.
const (
	CloseGoingAway  CloseCode = 4001 // the hub stops, or a newer socket took the link over
	CloseTooSlow    CloseCode = 4008 // a queue overflowed; the link cannot be resumed
	CloseSilent     CloseCode = 4012 // nothing heard for the ping interval and its grace
	CloseRate       CloseCode = 4013 // too much, too fast
	CloseBadToken   CloseCode = 4500 // the token is not good, or has expired
	CloseRevoked    CloseCode = 4503 // access was withdrawn; the client's sessions are ended
	CloseSuperseded CloseCode = 4509 // a newer link with the same device key is alive
	CloseVersion    CloseCode = 4510 // protocol error or unknown version
)

// Reconnect reports whether a client closed with this code should come back as it is. Codes outside 4500 to 4999
// (an abnormal closure above all) say yes.
func (c CloseCode) Reconnect() bool { return c < 4500 || c > 4999 }

func (c CloseCode) String() string { return strconv.Itoa(int(c)) }

// CloseFor returns the close code that goes with an error about the link itself.
func CloseFor(code Code) CloseCode {
	switch code {
	case CodeBadToken, CodeExpired, CodeForbidden, CodeNotFound:
		return CloseBadToken
	case CodeRevoked:
		return CloseRevoked
	case CodeSuperseded:
		return CloseSuperseded
	case CodeVersion, CodeBadMessage, CodeTooLarge, CodeSequence, CodeUnknownType, CodeInvalid:
		return CloseVersion
	case CodeRateLimited, CodeQuota:
		return CloseRate
	case CodeTooSlow:
		return CloseTooSlow
	case CodeTimeout:
		return CloseSilent
	default:
		return CloseGoingAway
	}
}
