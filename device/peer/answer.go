package peer

import (
	"fmt"
	"slices"
	"strings"

	"github.com/pion/sdp/v3"

	"github.com/sightline-rtc/sightline/protocol"
)

// generation is what the device found for one ICE generation: the candidates between one set of ICE credentials and
// the next (RFC 8838 section 3).
type generation struct {
	// ufrag is empty until the answer has been made; mid and mline name the section that candidates belong to.
	ufrag string
	mid   string
	mline int
	// lines are the candidates found so far, told how many of them the viewer knows.
	lines []string
	told  int
	// answered says that the answer is out, so that candidates may follow it.
	answered bool
	// gathered says that the library has no more candidates, mapped that the STUN servers have been asked, ended that
	// the viewer was told of both.
	gathered, mapped, ended bool
	// over is closed when gathered and mapped.
	over chan struct{}
}

// add takes a candidate line, unless it is of another generation, known, or one too many.
func (g *generation) add(line string) {
	if len(g.lines) < protocol.MaxSyncCandidates && !slices.Contains(g.lines, line) && g.owns(line) {
		g.lines = append(g.lines, line)
	}
}

// owns reports whether a line's ufrag extension, if it has one, is that of this generation.
func (g *generation) owns(line string) bool {
	_, ufrag, ok := strings.Cut(line, " ufrag ")
	ufrag, _, _ = strings.Cut(ufrag, " ")
	return !ok || g.ufrag == "" || ufrag == g.ufrag
}

// settle notes that one of the two sources of candidates has dried up.
func (g *generation) settle(source *bool) {
	if *source {
		return
	}
	*source = true
	if g.gathered && g.mapped {
		close(g.over)
	}
}

// describe gives the generation its name from an answer and returns the answer with all candidates found so far.
func (g *generation) describe(answer string) (string, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return "", fmt.Errorf("read own answer: %w", err)
	}
	var first *sdp.MediaDescription
	for i, m := range d.MediaDescriptions {
		m.Attributes = slices.DeleteFunc(m.Attributes, func(a sdp.Attribute) bool {
			return a.Key == "candidate" || a.Key == "end-of-candidates"
		})
		if first == nil && m.MediaName.Port.Value != 0 {
			first, g.mline = m, i
		}
	}
	if first == nil {
		return "", protocol.Errorf(protocol.CodeCodec, "the offer has no section that the camera can serve")
	}
	g.mid, _ = first.Attribute("mid")
	ufrag, ok := first.Attribute("ice-ufrag")
	if !ok {
		ufrag, _ = d.Attribute("ice-ufrag")
	}
	g.ufrag = ufrag
	g.lines = slices.DeleteFunc(g.lines, func(line string) bool { return !g.owns(line) })
	for _, line := range g.lines {
		first.Attributes = append(first.Attributes, sdp.NewAttribute("candidate", strings.TrimPrefix(line, "candidate:")))
	}
	g.told = len(g.lines)
	if g.ended = g.gathered && g.mapped; g.ended {
		first.Attributes = append(first.Attributes, sdp.NewPropertyAttribute("end-of-candidates"))
	}
	text, err := d.Marshal()
	if err != nil {
		return "", fmt.Errorf("write own answer: %w", err)
	}
	return string(text), nil
}

// news returns the candidates that the viewer has not been told of, the end of them last.
func (g *generation) news(revision int) []protocol.Candidate {
	if !g.answered {
		return nil
	}
	var list []protocol.Candidate
	for _, line := range g.lines[g.told:] {
		list = append(list, g.candidate(revision, line))
	}
	g.told = len(g.lines)
	if g.gathered && g.mapped && !g.ended {
		g.ended = true
		list = append(list, g.candidate(revision, ""))
	}
	return list
}

func (g *generation) candidate(revision int, line string) protocol.Candidate {
	return protocol.Candidate{Revision: revision, Candidate: line, Mid: g.mid, MLine: g.mline, Ufrag: g.ufrag}
}
