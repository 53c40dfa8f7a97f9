package whep

import (
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// FragmentType is the media type of fragments (RFC 8840 section 9).
const FragmentType = "application/trickle-ice-sdpfrag"

// maxFragmentCandidates bounds the candidates of one fragment, which are of one player.
const maxFragmentCandidates = protocol.MaxSyncCandidates

// Fragment is what a player tells of its ICE after its offer (RFC 8840 section 4.4): more candidates, or new credentials.
type Fragment struct {
	// Ufrag and Password are empty where the fragment has none.
	Ufrag, Password string
	Candidates      []Candidate
	// Ended says that there are no more.
	Ended bool
}

// Candidate is a line without "a=" and the section that it is of: by its mid, or by its place where it has none.
type Candidate struct {
	Line  string
	Mid   string
	Index int
}

// ReadFragment reads one. It fails with CodeBadMessage for what is none, and with CodeTooLarge for too many candidates.
func ReadFragment(text string) (f Fragment, err error) {
	d, err := read(text)
	if err != nil {
		return f, err
	}
	if err := f.take(d.session, "", 0); err != nil {
		return f, err
	}
	for i, section := range d.media {
		mid, _ := attribute(section, "mid")
		if err := f.take(section, mid, i); err != nil {
			return f, err
		}
	}
	switch {
	case f.Ufrag == "" && f.Password == "" && len(f.Candidates) == 0 && !f.Ended:
		return f, protocol.Errorf(protocol.CodeBadMessage, "the fragment says nothing of ICE")
	case f.Ufrag != "" && !token(f.Ufrag, 4), f.Password != "" && !token(f.Password, 22):
		return f, protocol.Errorf(protocol.CodeBadMessage, "the fragment's ICE credentials are none (RFC 8839 section 5.4)")
	}
	return f, nil
}

func (f *Fragment) take(lines []string, mid string, index int) error {
	if ufrag, ok := attribute(lines, "ice-ufrag"); ok && f.Ufrag == "" {
		f.Ufrag = ufrag
	}
	if password, ok := attribute(lines, "ice-pwd"); ok && f.Password == "" {
		f.Password = password
	}
	for _, line := range lines {
		switch {
		case is(line, "end-of-candidates"):
			f.Ended = true
		case is(line, "candidate"):
			c, ok := candidate(line)
			if !ok {
				return protocol.Errorf(protocol.CodeBadMessage, "a candidate is none (RFC 8839 section 5.1)")
			}
			if len(f.Candidates) == maxFragmentCandidates {
				return protocol.Errorf(protocol.CodeTooLarge, "there are more than %d candidates", maxFragmentCandidates)
			}
			f.Candidates = append(f.Candidates, Candidate{Line: c, Mid: mid, Index: index})
		}
	}
	return nil
}

// candidate returns a candidate without "a=". Some players write the name twice.
func candidate(line string) (string, bool) {
	value := strings.TrimPrefix(line, "a=candidate:")
	value = strings.TrimPrefix(value, "candidate:")
	fields := strings.Fields(value)
	if len(fields) < 8 || !strings.EqualFold(fields[6], "typ") || len(value) > protocol.MaxCandidateBytes/2 {
		return "", false
	}
	return "candidate:" + value, true
}

// FragmentOf is what an answer says of ICE, as the body of the answer to an ICE restart.
func FragmentOf(answer string) string {
	d, err := read(answer)
	if err != nil || len(d.media) == 0 {
		return ""
	}
	var out description
	for _, line := range d.session {
		if is(line, "group") || is(line, "ice-lite") {
			out.session = append(out.session, line)
		}
	}
	first := d.media[d.at("", -1)]
	section := []string{first[0]}
	for _, name := range []string{"mid", "ice-options", "ice-ufrag", "ice-pwd"} {
		if value := d.of(first, name); value != "" {
			section = append(section, "a="+name+":"+value)
		}
	}
	for _, line := range first {
		if is(line, "candidate") || is(line, "end-of-candidates") {
			section = append(section, line)
		}
	}
	out.media = [][]string{section}
	return out.String()
}
