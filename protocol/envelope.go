package protocol

import (
	"bytes"
	"encoding/json"
	"fmt"
	"unicode/utf8"
)

// Envelope is one message on the link: a JSON object in UTF-8 of at most MaxMessageBytes.
type Envelope struct {
	Type Type `json:"type"`
	// Seq numbers the sequenced messages of one direction from 1; 0 on all others.
	Seq uint64 `json:"seq,omitempty"`
	// Ack is the highest Seq taken over from the other side; 0 says nothing.
	Ack uint64 `json:"ack,omitempty"`
	// ID names a request, from 1 per link and direction; Re is the ID that a reply answers.
	ID uint64 `json:"id,omitempty"`
	Re uint64 `json:"re,omitempty"`
	// Session is set on everything that concerns one session.
	Session SessionID `json:"session,omitempty"`
	// Gen is the generation of the device link that a message comes from or tells about.
	Gen  uint64          `json:"gen,omitempty"`
	Data json.RawMessage `json:"data,omitempty"`

	mediaReport bool
	stateKey    string
}

// Message is the body of an envelope.
type Message interface {
	validate() error
}

// New makes an envelope around a body, which may be nil for types that have none.
func New(t Type, session SessionID, body Message) (Envelope, error) {
	e := Envelope{Type: t, Session: session}
	if body == nil {
		return e, nil
	}
	data, err := marshal(body)
	if err != nil {
		return Envelope{}, fmt.Errorf("encode %s: %w", t, err)
	}
	e.Data = data
	e.classify(body)
	return e, nil
}

// Must is New for bodies whose encoding cannot fail, which are all of this package's.
func Must(t Type, session SessionID, body Message) Envelope {
	e, err := New(t, session, body)
	if err != nil {
		panic(err)
	}
	return e
}

// Encode returns the envelope as it goes on the wire. It fails with CodeTooLarge over MaxMessageBytes.
func (e *Envelope) Encode() ([]byte, error) {
	b, err := marshal(e)
	if err != nil {
		return nil, fmt.Errorf("encode %s: %w", e.Type, err)
	}
	if len(b) > MaxMessageBytes {
		return nil, Errorf(CodeTooLarge, "a %s message of %d bytes is over the limit of %d", e.Type, len(b), MaxMessageBytes)
	}
	return b, nil
}

// Decode reads an envelope and the body of its type, which is nil for types without one. Unknown fields are
// ignored. It fails with CodeTooLarge, CodeBadMessage or CodeUnknownType; with the last the envelope is
// still returned, so that the error can name the request.
func Decode(b []byte) (Envelope, Message, error) {
	if len(b) > MaxMessageBytes {
		return Envelope{}, nil, Errorf(CodeTooLarge, "a message of %d bytes is over the limit of %d", len(b), MaxMessageBytes)
	}
	if !utf8.Valid(b) {
		return Envelope{}, nil, Errorf(CodeBadMessage, "not UTF-8")
	}
	var e Envelope
	if err := json.Unmarshal(b, &e); err != nil {
		return Envelope{}, nil, Errorf(CodeBadMessage, "not a JSON envelope").Because(err)
	}
	if e.Session != "" && !e.Session.Valid() {
		return e, nil, Errorf(CodeBadMessage, "the session of a message is a UUID in lower case")
	}
	kind, ok := kinds[e.Type]
	if !ok {
		return e, nil, Errorf(CodeUnknownType, "unknown message type %q", clip(string(e.Type)))
	}
	if kind.body == nil {
		return e, nil, nil
	}
	body := kind.body()
	if data := bytes.TrimSpace(e.Data); len(data) > 0 {
		if err := json.Unmarshal(data, body); err != nil {
			return e, nil, Errorf(CodeBadMessage, "%s: data is not of this message's form", e.Type).Because(err)
		}
	}
	if err := body.validate(); err != nil {
		return e, nil, err
	}
	e.classify(body)
	return e, body, nil
}

func (e *Envelope) classify(body Message) {
	switch m := body.(type) {
	case *Stats:
		e.mediaReport = m.Media
	case *Presence:
		e.stateKey = string(m.Device)
	}
}

// marshal is json.Marshal without the escaping of HTML, which can make a relayed body six times as large as it came.
func marshal(v any) ([]byte, error) {
	var b bytes.Buffer
	encoder := json.NewEncoder(&b)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

func clip(s string) string {
	if len(s) > 32 {
		return s[:32] + "…"
	}
	return s
}

func checkSize(what string, size, limit int) error {
	if size > limit {
		return Errorf(CodeTooLarge, "%s of %d bytes is over the limit of %d", what, size, limit)
	}
	return nil
}
