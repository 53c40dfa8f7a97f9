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
	// found are the candidates so far, told how many of them the viewer knows.
	found []found
	told  int
	// answered says that the answer is out, so that candidates may follow it.
	answered bool
	// gathered says that the library has no more candidates, placed that the media port has told what it knew, ended that
	// the viewer was told of both. What the port learns later is told even then.
	gathered, placed, ended bool
	// over is closed when gathered and placed.
	over chan struct{}
}

// found is a candidate of the device's own. Its address, as an Origin has it, and its means are empty for one that the
// library found.
type found struct {
	line    string
	address string
	tcp     bool
	means   protocol.Means
}

// add takes a candidate, unless it is of another generation, known, or one too many.
func (g *generation) add(f found) {
	known := slices.ContainsFunc(g.found, func(k found) bool {
		return k.line == f.line || k.address != "" && k.address == f.address && k.tcp == f.tcp
	})
	if len(g.found) < protocol.MaxSyncCandidates && !known && g.owns(f.line) {
		g.found = append(g.found, f)
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
	if g.gathered && g.placed {
		close(g.over)
	}
}

// describe gives the generation its name from an answer and returns the answer with all candidates found so far, and
// how the device came by those that are not ordinary.
func (g *generation) describe(answer string) (string, []protocol.Origin, error) {
	var d sdp.SessionDescription
	if err := d.UnmarshalString(answer); err != nil {
		return "", nil, fmt.Errorf("read own answer: %w", err)
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
		return "", nil, protocol.Errorf(protocol.CodeCodec, "the offer has no section that the camera can serve")
	}
	g.mid, _ = first.Attribute("mid")
	g.ufrag = fragmentOf(&d, first)
	g.found = slices.DeleteFunc(g.found, func(f found) bool { return !g.owns(f.line) })
	var origins []protocol.Origin
	for _, f := range g.found {
		first.Attributes = append(first.Attributes, sdp.NewAttribute("candidate", strings.TrimPrefix(f.line, "candidate:")))
		if f.means != "" {
			origins = append(origins, protocol.Origin{Address: f.address, Means: f.means})
		}
	}
	g.told = len(g.found)
	if g.ended = g.gathered && g.placed; g.ended {
		first.Attributes = append(first.Attributes, sdp.NewPropertyAttribute("end-of-candidates"))
	}
	text, err := d.Marshal()
	if err != nil {
		return "", nil, fmt.Errorf("write own answer: %w", err)
	}
	return string(text), origins, nil
}

// fragmentOf returns the username fragment of a section, or of the whole description.
func fragmentOf(d *sdp.SessionDescription, m *sdp.MediaDescription) string {
	if ufrag, ok := m.Attribute("ice-ufrag"); ok {
		return ufrag
	}
	ufrag, _ := d.Attribute("ice-ufrag")
	return ufrag
}

// news returns the candidates that the viewer has not been told of, and their end when it has come.
func (g *generation) news(revision int) []protocol.Candidate {
	if !g.answered {
		return nil
	}
	var list []protocol.Candidate
	for _, f := range g.found[g.told:] {
		list = append(list, g.candidate(revision, f))
	}
	g.told = len(g.found)
	if g.gathered && g.placed && !g.ended {
		g.ended = true
		list = append(list, g.candidate(revision, found{}))
	}
	return list
}

// all returns every candidate, for a viewer that has lost some.
func (g *generation) all(revision int) []protocol.Candidate {
	list := make([]protocol.Candidate, 0, len(g.found))
	for _, f := range g.found {
		list = append(list, g.candidate(revision, f))
	}
	return list
}

func (g *generation) candidate(revision int, f found) protocol.Candidate {
	return protocol.Candidate{
		Revision: revision, Candidate: f.line, Mid: g.mid, MLine: g.mline, Ufrag: g.ufrag, Means: f.means,
	}
}
