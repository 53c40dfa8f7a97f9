package peer

import (
	"slices"

	"github.com/sightline-rtc/sightline/protocol"
)

// Picture is what a viewer gets to see, and what it could have instead.
type Picture struct {
	// Renditions are those that the viewer can have, the best first; none before the first answer.
	Renditions []protocol.RenditionName
	// Rendition is the one that is sent, empty while nothing is.
	Rendition protocol.RenditionName
	// Auto says that the device chooses.
	Auto bool
}

// wishes are what the viewer has said about its picture.
type wishes struct {
	// view is how large the picture is shown, nil while the viewer has not said.
	view   *protocol.View
	choice protocol.RenditionName
}

// SetView tells how large the viewer shows the picture; zero means that it is not to be seen.
func (p *Peer) SetView(v protocol.View) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.wishes.view = &v
	p.poke()
}

// Choose has a rendition sent, or with an empty name leaves the choice to the device again. It fails with CodeNotFound
// when the viewer cannot have that rendition.
func (p *Peer) Choose(c protocol.Choice) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	if c.Rendition != "" && !slices.Contains(p.usable(), c.Rendition) {
		return protocol.Errorf(protocol.CodeNotFound, "the camera has no rendition %q for this viewer", c.Rendition)
	}
	p.wishes.choice = c.Rendition
	p.poke()
	return nil
}

// RequestKeyframe asks for a picture that decoding can start with, like the viewer's PLI.
func (p *Peer) RequestKeyframe() {
	p.mu.Lock()
	flow := p.flow
	p.mu.Unlock()
	if flow != nil {
		flow.RequestKeyframe()
	}
}

// Picture tells what the viewer gets.
func (p *Peer) Picture() Picture {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := Picture{Renditions: p.usable(), Auto: p.wishes.choice == ""}
	if p.flow != nil {
		now.Rendition, _ = p.flow.Showing()
	}
	return now
}

// OnPicture has a change of Picture told until cancel is called. The function must not block.
func (p *Peer) OnPicture(told func()) (cancel func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.watching == nil {
		p.watching = make(map[*func()]struct{})
	}
	key := &told
	p.watching[key] = struct{}{}
	return func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.watching, key)
	}
}

// pictureChanged tells those who watch. It is called without mu.
func (p *Peer) pictureChanged() {
	p.mu.Lock()
	told := make([]func(), 0, len(p.watching))
	for f := range p.watching {
		told = append(told, *f)
	}
	p.mu.Unlock()
	for _, f := range told {
		f()
	}
}
