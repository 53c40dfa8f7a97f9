package whep

import (
	"slices"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// Offer is a player's offer that has been looked at.
type Offer struct {
	// Text is the description as it came.
	Text string
	// Media is what the player wants. Sections in both directions are taken as ones to receive, as a camera answers them.
	Media protocol.Media
	// Ufrag and Password are the player's ICE credentials.
	Ufrag, Password string
}

// ReadOffer looks at an offer. It fails with CodeBadMessage for what is none, and with CodeInvalid for one that an endpoint
// for watching cannot serve: nothing to receive, media beside the bundle or RTCP on a port of its own (RFC 9725 section 4.4.2).
// Without candidates it is as good as with all of them.
func ReadOffer(text string) (Offer, error) {
	d, err := read(text)
	if err != nil {
		return Offer{}, err
	}
	if len(d.session) == 0 || d.session[0] != "v=0" || len(d.media) == 0 {
		return Offer{}, protocol.Errorf(protocol.CodeBadMessage, "the body is no session description with media (RFC 8866)")
	}
	o := Offer{Text: text}
	bundle := d.bundle()
	open := d.inUse(bundle)
	for _, section := range open {
		media, _ := kind(section)
		if media != "audio" && media != "video" {
			continue
		}
		if _, ok := attribute(section, "rtcp-mux"); !ok {
			return Offer{}, protocol.Errorf(protocol.CodeInvalid, "RTP and RTCP must share a port: a=rtcp-mux")
		}
		d.want(&o.Media, media, section)
	}
	switch {
	case !o.Media.Video && !o.Media.Audio:
		return Offer{}, protocol.Errorf(protocol.CodeInvalid, "the offer receives nothing: WHEP is for watching (a=recvonly)")
	case len(open) > 1 && !bundled(open, bundle):
		return Offer{}, protocol.Errorf(protocol.CodeInvalid, "all media must be in one bundle: a=group:BUNDLE with the mid of each section")
	}
	o.Ufrag, o.Password = d.of(open[0], "ice-ufrag"), d.of(open[0], "ice-pwd")
	if !token(o.Ufrag, 4) || !token(o.Password, 22) {
		return Offer{}, protocol.Errorf(protocol.CodeBadMessage, "the offer has no ICE credentials (RFC 8839 section 5.4)")
	}
	return o, nil
}

// inUse are the sections that are not rejected.
func (d description) inUse(bundle []string) (open [][]string) {
	for _, section := range d.media {
		if _, port := kind(section); port != "0" || slices.Contains(bundle, d.of(section, "mid")) {
			open = append(open, section)
		}
	}
	return open
}

func (d description) want(m *protocol.Media, media string, section []string) {
	direction := d.direction(section)
	receives := direction == "recvonly" || direction == "sendrecv"
	switch {
	case media == "video":
		m.Video = m.Video || receives
	case receives:
		m.Audio = true
	case direction == "sendonly":
		m.Talk = true
	}
}

// bundle are the mids of the first bundle.
func (d description) bundle() []string {
	for _, line := range d.session {
		if mids, ok := strings.CutPrefix(line, "a=group:BUNDLE "); ok {
			return strings.Fields(mids)
		}
	}
	return nil
}

func bundled(open [][]string, bundle []string) bool {
	for _, section := range open {
		if mid, ok := attribute(section, "mid"); !ok || !slices.Contains(bundle, mid) {
			return false
		}
	}
	return true
}

// token reports whether a text may be an ICE username fragment or password (RFC 8839 section 5.4).
func token(text string, least int) bool {
	const most = 256
	return len(text) >= least && len(text) <= most && strings.IndexFunc(text, func(r rune) bool {
		return (r < 'a' || r > 'z') && (r < 'A' || r > 'Z') && (r < '0' || r > '9') && r != '+' && r != '/'
	}) < 0
}

// Restart is the offer with the ICE credentials and the candidates of a fragment in the place of its own.
func (o Offer) Restart(f Fragment) Offer {
	d, err := read(o.Text)
	if err != nil {
		return o // which has been read before
	}
	d.advance()
	for _, part := range append([][]string{d.session}, d.media...) {
		for i, line := range part {
			switch {
			case is(line, "ice-ufrag"):
				part[i] = "a=ice-ufrag:" + f.Ufrag
			case is(line, "ice-pwd"):
				part[i] = "a=ice-pwd:" + f.Password
			}
		}
	}
	d.gather(f.Candidates, f.Ended)
	return Offer{Text: d.String(), Media: o.Media, Ufrag: f.Ufrag, Password: f.Password}
}

// gather puts candidates in the place of those that there are.
func (d description) gather(candidates []Candidate, ended bool) {
	if len(d.media) == 0 {
		return
	}
	for i, section := range d.media {
		d.media[i] = slices.DeleteFunc(section, func(line string) bool { return is(line, "candidate") || is(line, "end-of-candidates") })
	}
	d.add(candidates, ended)
}

func (d description) add(candidates []Candidate, ended bool) {
	for _, c := range candidates {
		at := d.at(c.Mid, c.Index)
		d.media[at] = append(d.media[at], "a="+c.Line)
	}
	if ended {
		first := d.at("", -1)
		d.media[first] = append(d.media[first], "a=end-of-candidates")
	}
}

// Complete is an answer with the candidates that have come after it. ended says that there will be no more.
func Complete(answer string, candidates []Candidate, ended bool) string {
	d, err := read(answer)
	if err != nil || len(d.media) == 0 {
		return answer
	}
	known := map[string]bool{}
	for _, section := range d.media {
		for _, line := range section {
			known[line] = true
		}
	}
	candidates = slices.DeleteFunc(slices.Clone(candidates), func(c Candidate) bool { return known["a="+c.Line] })
	d.add(candidates, ended && !Ended(answer))
	return d.String()
}

// Ended reports whether an answer has all candidates that it will have (RFC 8840 section 8.2).
func Ended(answer string) bool {
	for line := range strings.Lines(answer) {
		if is(strings.TrimRight(line, "\r\n"), "end-of-candidates") {
			return true
		}
	}
	return false
}
