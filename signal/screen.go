package signal

import (
	"encoding/json"
	"net/netip"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// Where one path only is allowed, the hub hands on no candidate of the other, whatever a client sends. Where that is the
// relay's, nothing else of what it hands on tells an address of an end.

// screen returns what of a message of a session may be handed on, and whether anything is. The message itself stays as it is.
func screen(path protocol.PathPolicy, body protocol.Message) (screened protocol.Message, pass bool) {
	if path == protocol.PathPreferDirect {
		return body, true
	}
	switch m := body.(type) {
	case *protocol.Candidate:
		c := *m
		c.Candidate, pass = screenCandidate(path, c.Candidate)
		return &c, pass
	case *protocol.Describe:
		d := screenDescription(path, *m)
		return &d, true
	case *protocol.Sync:
		s := *m
		if m.Description != nil {
			d := screenDescription(path, *m.Description)
			s.Description = &d
		}
		s.Candidates = nil
		for _, c := range m.Candidates {
			if c.Candidate, pass = screenCandidate(path, c.Candidate); pass {
				s.Candidates = append(s.Candidates, c)
			}
		}
		return &s, true
	}
	return body, true
}

func screenDescription(path protocol.PathPolicy, d protocol.Describe) protocol.Describe {
	d.SDP = screenSDP(path, d.SDP)
	if path == protocol.PathRelayOnly {
		d.Origins = nil
	}
	return d
}

// screenOffer is screen for an offer, which may be nil.
func screenOffer(path protocol.PathPolicy, o *protocol.Offer) *protocol.Offer {
	if o == nil || path == protocol.PathPreferDirect {
		return o
	}
	return &protocol.Offer{Revision: o.Revision, SDP: screenSDP(path, o.SDP)}
}

// screenSDP takes the candidates out of a session description that the path policy does not allow, and for relays alone the
// addresses that other lines have. What is no such line stays as it is, and none gets longer.
func screenSDP(path protocol.PathPolicy, sdp string) string {
	if path == protocol.PathPreferDirect {
		return sdp
	}
	var out strings.Builder
	out.Grow(len(sdp))
	for sdp != "" {
		line, end := sdp, ""
		if i := strings.IndexAny(sdp, "\r\n"); i >= 0 { // some take either for the end of a line
			line, end = sdp[:i], sdp[i:i+1]
		}
		sdp = sdp[len(line)+len(end):]
		if screened, pass := screenLine(path, line); pass {
			out.WriteString(screened)
			out.WriteString(end)
			continue
		}
		if end == "\r" && strings.HasPrefix(sdp, "\n") {
			sdp = sdp[1:]
		}
	}
	return out.String()
}

func screenLine(path protocol.PathPolicy, line string) (screened string, pass bool) {
	switch {
	case strings.HasPrefix(line, "a=candidate:"):
		screened, pass = screenCandidate(path, line[len("a="):])
		return "a=" + screened, pass
	case path != protocol.PathRelayOnly:
	case strings.HasPrefix(line, "c="), strings.HasPrefix(line, "o="): // RFC 8866 sections 5.7 and 5.2: the address is last
		return hideLast(line), true
	case strings.HasPrefix(line, "a=rtcp:"): // RFC 3605 section 2.1: the address may be left out
		if port, _, ok := strings.Cut(line, " "); ok && port != "a=rtcp:" {
			return hideLast("a=rtcp:9" + line[len(port):]), true
		}
	}
	return line, true
}

// hideLast puts no address in the place of the last field, which is one.
func hideLast(line string) string {
	line = strings.TrimRight(line, " ")
	i := strings.LastIndexByte(line, ' ')
	if i < 0 {
		return line
	}
	return line[:i+1] + noAddress(line[i+1:])
}

// noAddress is what stands for an address that is not told: the unspecified one of its family (RFC 8839 section 5.1), where
// that is no longer than it was.
func noAddress(address string) string {
	text, _, _ := strings.Cut(address, "/") // a multicast address has a TTL
	none := "0.0.0.0"
	if ip, err := netip.ParseAddr(text); err == nil && ip.Is6() {
		none = "::"
	}
	if len(none) > len(address) {
		none = "0" // a short name
	}
	return none
}

// screenCandidate takes a candidate without "a=". Relay candidates tell the address that the relay saw their end at, as related
// address, which is hidden where it has to be. An empty one ends the candidates and passes.
func screenCandidate(path protocol.PathPolicy, candidate string) (screened string, pass bool) {
	if candidate == "" || path == protocol.PathPreferDirect {
		return candidate, true
	}
	// RFC 8839 section 5.1: foundation component transport priority address port "typ" type, then pairs of name and value.
	fields := strings.Fields(candidate)
	if len(fields) < 8 || !strings.EqualFold(fields[6], "typ") {
		return "", false
	}
	relayed := strings.EqualFold(fields[7], "relay")
	if path == protocol.PathDirectOnly {
		return candidate, !relayed
	}
	if !relayed {
		return "", false
	}
	for i := 8; i+1 < len(fields); i += 2 {
		switch {
		case strings.EqualFold(fields[i], "raddr"):
			fields[i+1] = noAddress(fields[i+1])
		case strings.EqualFold(fields[i], "rport"):
			fields[i+1] = "9"
		}
	}
	return strings.Join(fields, " "), true
}

// rewritten is the envelope with another body.
func rewritten(e protocol.Envelope, body protocol.Message) protocol.Envelope {
	e.Data = protocol.Must(e.Type, e.Session, body).Data
	return e
}

// screenAll is screen for messages that have waited.
func screenAll(path protocol.PathPolicy, waited []protocol.Envelope) (passed []protocol.Envelope) {
	if path == protocol.PathPreferDirect {
		return waited
	}
	for _, e := range waited {
		body := waitedBody(e)
		if body == nil {
			continue
		}
		if screened, pass := screen(path, body); pass {
			passed = append(passed, rewritten(e, screened))
		}
	}
	return passed
}

// waitedBody reads a message that has waited; nil is no candidate and no description.
func waitedBody(e protocol.Envelope) protocol.Message {
	var body protocol.Message
	switch e.Type {
	case protocol.TypeCandidate:
		body = &protocol.Candidate{}
	case protocol.TypeDescribe:
		body = &protocol.Describe{}
	default:
		return nil
	}
	if json.Unmarshal(e.Data, body) != nil {
		return nil
	}
	return body
}
