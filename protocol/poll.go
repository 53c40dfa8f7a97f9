package protocol

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"
)

// What the long poll door has of its own; docs/protocol.md, "Long poll".
const (
	// SendPath and PollPath are the door's two requests, LinkPath that of the WebSocket.
	SendPath = "/v1/link/send"
	PollPath = "/v1/link/poll"
	LinkPath = "/v1/link"
	// MaxParcelBytes bounds the body of a send and of a response.
	MaxParcelBytes = 256 << 10
	// PollWait is how long a poll waits for something to say; PingIntervalPoll is the ping interval on this door, with
	// PingGrace 40 s: a poll, a send and a response count as messages, so that nobody needs to ping.
	PollWait         = 25 * time.Second
	PingIntervalPoll = 32 * time.Second
)

// Parcel is the body of a send: messages in their order. Without a link's authorization it is one hello.
type Parcel struct {
	Messages []json.RawMessage `json:"messages"`
}

// Receipt answers a send.
type Receipt struct {
	// Received is the highest sequence number that the hub has taken over.
	Received uint64 `json:"received"`
}

// Poll is the body of a poll.
type Poll struct {
	// Received is the highest sequence number that the client has taken over.
	Received uint64 `json:"received"`
	// Got is the number of the last response that came whole; what is later is repeated.
	Got uint64 `json:"got"`
}

// Delivery is the response to a poll, and to the hello.
type Delivery struct {
	// Response numbers the responses of one carrier from 1, which has the welcome.
	Response uint64            `json:"response"`
	Messages []json.RawMessage `json:"messages"`
}

// Farewell is the body of HTTP 410: the end of the carrier, or of the link, with the close code of a WebSocket.
type Farewell struct {
	Close CloseCode `json:"close"`
	Error *Error    `json:"error"`
}

// DecodeParcel reads the body of a send. It fails with CodeTooLarge or CodeBadMessage; the messages themselves are not
// looked at.
func DecodeParcel(b []byte) (Parcel, error) {
	p, err := decodeBody[Parcel](b, "a send")
	if err == nil && len(p.Messages) == 0 {
		err = Errorf(CodeBadMessage, "a send has messages")
	}
	return p, err
}

// DecodePoll reads the body of a poll. It fails with CodeTooLarge or CodeBadMessage.
func DecodePoll(b []byte) (Poll, error) { return decodeBody[Poll](b, "a poll") }

// DecodeDelivery reads the response to a poll or to a hello. It fails with CodeTooLarge or CodeBadMessage.
func DecodeDelivery(b []byte) (Delivery, error) {
	d, err := decodeBody[Delivery](b, "a response")
	if err == nil && d.Response == 0 {
		err = Errorf(CodeBadMessage, "a response has a number")
	}
	return d, err
}

// DecodeFarewell reads the body of HTTP 410. It fails with CodeTooLarge or CodeBadMessage.
func DecodeFarewell(b []byte) (Farewell, error) {
	f, err := decodeBody[Farewell](b, "a farewell")
	if err == nil && (f.Error == nil || f.Error.validate() != nil) {
		err = Errorf(CodeBadMessage, "a farewell has an error")
	}
	return f, err
}

func decodeBody[T any](b []byte, what string) (body T, err error) {
	if len(b) > MaxParcelBytes {
		return body, Errorf(CodeTooLarge, "%s of %d bytes is over the limit of %d", what, len(b), MaxParcelBytes)
	}
	if err := json.Unmarshal(b, &body); err != nil {
		var none T
		return none, Errorf(CodeBadMessage, "%s is not of its form", what).Because(err)
	}
	return body, nil
}

// authorizationScheme is how a request of the long poll door names its link (RFC 9110 section 11.4).
const authorizationScheme = "Link "

// Authorization is the header with which a request of the long poll door names its link and proves that it is its own.
func Authorization(link LinkID, key string) string {
	return fmt.Sprintf("%s%s.%s", authorizationScheme, link, key)
}

// ParseAuthorization reads what Authorization wrote; ok is false for anything else.
func ParseAuthorization(header string) (link LinkID, key string, ok bool) {
	rest, ok := strings.CutPrefix(header, authorizationScheme)
	if !ok || len(rest) > MaxNameBytes {
		return "", "", false
	}
	id, key, ok := strings.Cut(rest, ".")
	return LinkID(id), key, ok && id != "" && key != ""
}
