package kvs

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strings"
	"unicode/utf8"

	"github.com/sightline-rtc/sightline/protocol"
)

// Type is the name of a message: the action of one that a client sends, the messageType of one that it gets.
type Type string

// The messages. The first three go both ways, the others to clients alone.
const (
	TypeOffer     Type = "SDP_OFFER"
	TypeAnswer    Type = "SDP_ANSWER"
	TypeCandidate Type = "ICE_CANDIDATE"
	// TypeStatus tells what is wrong with a message.
	TypeStatus Type = "STATUS_RESPONSE"
	// TypeGoAway asks a client to connect anew.
	TypeGoAway Type = "GO_AWAY"
	// TypeReconnect asks it to fetch ICE servers and to connect anew.
	TypeReconnect Type = "RECONNECT_ICE_SERVER"
)

const (
	// MaxMessageBytes bounds one message of a client. It is the bound of all sockets of a hub: KVS itself takes payloads of
	// 10 KB, which a browser's offer with several streams can exceed.
	MaxMessageBytes = protocol.MaxMessageBytes
	// MaxIDBytes bounds a client ID and a correlation ID.
	MaxIDBytes = 256
)

// Request is a message that a client sends.
type Request struct {
	Action Type
	// Recipient is whom a master's message is for. A viewer's is for the master, whatever it says.
	Recipient string
	// Correlation names the message in a Status about it; empty for a client that does not care.
	Correlation string
	// Payload is JSON: a Description or a Candidate, by the action.
	Payload []byte
}

// wireRequest is a Request as it travels. encoding/json reads its keys in any case, which is what the SDK for C needs: it
// writes RecipientClientId, MessagePayload and CorrelationId, others begin with small letters.
type wireRequest struct {
	Action      Type   `json:"action"`
	Recipient   string `json:"recipientClientId"`
	Payload     string `json:"messagePayload"`
	Correlation string `json:"correlationId"`
}

// Decode reads a message of a client. It fails with CodeTooLarge, CodeBadMessage or CodeUnknownType; what could be read by
// then is returned, so that the answer can name the message. A correlation ID that is none is left out.
func Decode(b []byte) (Request, error) {
	if len(b) > MaxMessageBytes {
		return Request{}, protocol.Errorf(protocol.CodeTooLarge, "a message of %d bytes is over the limit of %d", len(b), MaxMessageBytes)
	}
	if !utf8.Valid(b) {
		return Request{}, protocol.Errorf(protocol.CodeBadMessage, "not UTF-8")
	}
	var w wireRequest
	if err := json.Unmarshal(b, &w); err != nil {
		return Request{}, protocol.Errorf(protocol.CodeBadMessage, "not a JSON message").Because(err)
	}
	r := Request{Action: w.Action}
	if w.Correlation != "" && !isID(w.Correlation) {
		return r, protocol.Errorf(protocol.CodeBadMessage, "a correlation ID has 1 to %d of the characters a-zA-Z0-9_.-", MaxIDBytes)
	}
	r.Correlation = w.Correlation
	if w.Recipient != "" && !isID(w.Recipient) {
		return r, protocol.Errorf(protocol.CodeBadMessage, "a client ID has 1 to %d of the characters a-zA-Z0-9_.-", MaxIDBytes)
	}
	r.Recipient = w.Recipient
	switch w.Action {
	case TypeOffer, TypeAnswer, TypeCandidate:
	default:
		return r, protocol.Errorf(protocol.CodeUnknownType, "the action is %s, %s or %s", TypeOffer, TypeAnswer, TypeCandidate)
	}
	payload, err := unpack(w.Payload)
	if err != nil {
		return r, protocol.Errorf(protocol.CodeBadMessage, "the message payload is not base64").Because(err)
	}
	r.Payload = payload
	return r, nil
}

// Event is a message that a client gets.
type Event struct {
	Type Type
	// Sender is the viewer whose message a master gets. It is empty for what comes from the master, as viewers expect.
	Sender string
	// Payload is a *Description or a *Candidate; nil for the other types.
	Payload any
	// Servers go with an offer: the SDK for C puts them there, and others skip the key.
	Servers []Server
	// Status is what TypeStatus tells.
	Status *Status
}

// wireEvent is an Event as it travels, with the keys of KVS to the letter: its SDKs read no others.
type wireEvent struct {
	Sender  string   `json:"senderClientId,omitempty"`
	Type    Type     `json:"messageType"`
	Payload string   `json:"messagePayload,omitempty"`
	Servers []Server `json:"IceServerList,omitempty"`
	Status  *Status  `json:"statusResponse,omitempty"`
}

// Encode returns the event as it travels. It fails when the payload cannot be put into JSON, which those of this package can.
func (e Event) Encode() ([]byte, error) {
	w := wireEvent{Sender: e.Sender, Type: e.Type, Servers: e.Servers, Status: e.Status}
	if e.Payload != nil {
		payload, err := marshal(e.Payload)
		if err != nil {
			return nil, err
		}
		w.Payload = base64.StdEncoding.EncodeToString(payload)
	}
	return marshal(w)
}

// unpack decodes base64 of the standard alphabet, with its padding or without.
func unpack(text string) ([]byte, error) {
	return base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
}

// marshal is json.Marshal without the escaping of HTML, which an SDP does not need.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func isID(s string) bool {
	if len(s) > MaxIDBytes {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '_' && r != '.' && r != '-'
	}) < 0
}
