package signal

import (
	"net/netip"
	"strconv"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// A browser hides the addresses of its host candidates behind names of multicast DNS, which lead nowhere outside of its LAN, but
// not their ports. IPv6 does without NAT, so the port and the address that the viewer's link comes from are a candidate too:
// often the only one, where no STUN server is reached by IPv6. The device gets it beside the original.

const (
	// maxFilled bounds the candidates that are added for one revision of an offer: a browser has one for each of its
	// interfaces and families.
	maxFilled = 8
	// maxFilledSDP is how large a description may be for candidates to be added: they shall not be what makes it too large.
	maxFilledSDP = protocol.MaxSDPBytes / 2
)

// globalUnicast is what IANA has given out of IPv6 (RFC 4291 section 2.4).
var globalUnicast = netip.MustParsePrefix("2000::/3")

// fillFrom returns the address that a client's hidden candidates may have; ok is false where there is none, or it is not
// asked for.
func (h *Hub) fillFrom(c *client, path protocol.PathPolicy) (at netip.Addr, ok bool) {
	return c.address, !h.config.NoFillIn && c.role == protocol.RoleViewer && path != protocol.PathRelayOnly &&
		globalUnicast.Contains(c.address)
}

// fillCandidate returns a copy of a hidden UDP host candidate, without "a=", at an address. Its foundation is another, as its
// base is (RFC 8445 section 5.1.1.3), and its priority is lower by one of the local preference. It fails for others.
func fillCandidate(candidate string, at netip.Addr) (string, bool) {
	fields := strings.Fields(candidate)
	if len(fields) < 8 || !strings.EqualFold(fields[2], "udp") || !strings.EqualFold(fields[6], "typ") ||
		!strings.EqualFold(fields[7], "host") || !strings.HasSuffix(strings.ToLower(fields[4]), ".local") {
		return "", false
	}
	port, err := strconv.ParseUint(fields[5], 10, 16)
	if err != nil || port == 0 {
		return "", false
	}
	const localPreference = 1 << 8
	priority, err := strconv.ParseUint(fields[3], 10, 31)
	if err != nil || priority <= localPreference {
		return "", false
	}
	name, foundation, ok := strings.Cut(fields[0], ":")
	if !ok {
		return "", false
	}
	fields[0] = name + ":v6" + foundation[:min(len(foundation), 30)] // RFC 8839 section 5.1: 32 at most
	fields[3] = strconv.FormatUint(priority-localPreference, 10)
	fields[4] = at.String()
	return strings.Join(fields, " "), true
}

// fillSDP adds the copies of an SDP's hidden candidates, each after its original.
func fillSDP(sdp string, at netip.Addr) string {
	if len(sdp) > maxFilledSDP {
		return sdp
	}
	var out strings.Builder
	added := 0
	for line := range strings.Lines(sdp) {
		out.WriteString(line)
		text := strings.TrimRight(line, "\r\n")
		if added == maxFilled || !strings.HasSuffix(line, "\n") || !strings.HasPrefix(text, "a=candidate:") {
			continue
		}
		if candidate, ok := fillCandidate(text[len("a="):], at); ok {
			out.WriteString("a=" + candidate + line[len(text):])
			added++
		}
	}
	if added == 0 {
		return sdp
	}
	return out.String()
}

// fillCandidates returns the copies of hidden candidates, as many as may be.
func fillCandidates(list []protocol.Candidate, at netip.Addr, most int) (copies []protocol.Candidate) {
	for _, c := range list {
		candidate, ok := fillCandidate(c.Candidate, at)
		if !ok || len(copies) >= most || len(candidate)+len(c.Mid)+len(c.Ufrag) > protocol.MaxCandidateBytes {
			continue
		}
		c.Candidate = candidate
		copies = append(copies, c)
	}
	return copies
}

// fills counts what was added to a viewer's trickled candidates.
type fills struct{ revision, count int }

// room is how many more may be added for a revision.
func (f *fills) room(revision int) int {
	if revision > f.revision {
		*f = fills{revision: revision}
	}
	return maxFilled - f.count
}
