package kvs

import (
	"encoding/json"

	"github.com/sightline-rtc/sightline/protocol"
)

// Description is the payload of an offer or an answer: an RTCSessionDescription in JSON.
type Description struct {
	Type string `json:"type"`
	SDP  string `json:"sdp"`
}

// Candidate is the payload of ICE_CANDIDATE: an RTCIceCandidate in JSON. Clients leave out what they do not know, or write
// null.
type Candidate struct {
	Candidate string  `json:"candidate"`
	Mid       *string `json:"sdpMid,omitempty"`
	MLine     *int    `json:"sdpMLineIndex,omitempty"`
	Ufrag     *string `json:"usernameFragment,omitempty"`
}

// Description reads the payload of an offer or an answer. It fails with CodeBadMessage, and with CodeTooLarge over
// protocol.MaxSDPBytes.
func (r *Request) Description() (Description, error) {
	var d Description
	if err := json.Unmarshal(r.Payload, &d); err != nil {
		return Description{}, protocol.Errorf(protocol.CodeBadMessage, "the payload is no session description").Because(err)
	}
	switch {
	case d.SDP == "":
		return Description{}, protocol.Errorf(protocol.CodeBadMessage, "the payload has no sdp")
	case len(d.SDP) > protocol.MaxSDPBytes:
		return Description{}, protocol.Errorf(protocol.CodeTooLarge, "a description of %d bytes is over the limit of %d", len(d.SDP), protocol.MaxSDPBytes)
	}
	return d, nil
}

// Candidate reads the payload of a candidate in the words of the link, without a revision. It fails with CodeBadMessage,
// and with CodeTooLarge over protocol.MaxCandidateBytes.
func (r *Request) Candidate() (protocol.Candidate, error) {
	var c Candidate
	if err := json.Unmarshal(r.Payload, &c); err != nil {
		return protocol.Candidate{}, protocol.Errorf(protocol.CodeBadMessage, "the payload is no ICE candidate").Because(err)
	}
	p := protocol.Candidate{Candidate: c.Candidate}
	if c.Mid != nil {
		p.Mid = *c.Mid
	}
	if c.MLine != nil {
		p.MLine = *c.MLine
	}
	if c.Ufrag != nil {
		p.Ufrag = *c.Ufrag
	}
	switch size := len(p.Candidate) + len(p.Mid) + len(p.Ufrag); {
	case size > protocol.MaxCandidateBytes:
		return protocol.Candidate{}, protocol.Errorf(protocol.CodeTooLarge, "a candidate of %d bytes is over the limit of %d", size, protocol.MaxCandidateBytes)
	case p.MLine < 0 || p.MLine > maxMLine:
		return protocol.Candidate{}, protocol.Errorf(protocol.CodeBadMessage, "sdpMLineIndex is 0 to %d", maxMLine)
	}
	return p, nil
}

// maxMLine is more media sections than a description has room for.
const maxMLine = protocol.MaxSDPBytes

// Offer returns the payload of an offer.
func Offer(sdp string) *Description { return &Description{"offer", sdp} }

// Answer returns the payload of an answer.
func Answer(sdp string) *Description { return &Description{"answer", sdp} }

// CandidateOf returns the payload of a candidate of the link.
func CandidateOf(c protocol.Candidate) *Candidate {
	k := &Candidate{Candidate: c.Candidate, MLine: &c.MLine}
	if c.Mid != "" {
		k.Mid = &c.Mid
	}
	if c.Ufrag != "" {
		k.Ufrag = &c.Ufrag
	}
	return k
}
