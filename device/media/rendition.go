package media

import (
	"sync"

	"github.com/sightline-rtc/sightline/protocol"
)

// Rendition is one stream of a camera: the same picture at a size and a rate of its own.
type Rendition struct {
	Name   protocol.RenditionName
	Stream *Stream
	// Hold has the source open until release is called, which may be called more than once, and for a while after. It
	// does not block. Nil means that the source is open anyway.
	Hold func() (release func())
}

// hold is Hold where there is one.
func (r Rendition) hold() (release func()) {
	if r.Hold == nil {
		return func() {}
	}
	return r.Hold()
}

// Camera is all that viewers can have of one camera.
type Camera struct {
	// Renditions are the best first; there is at least one, and no name stands twice.
	Renditions []Rendition
}

// Find returns the rendition of a name; false means that there is none.
func (c Camera) Find(name protocol.RenditionName) (Rendition, bool) {
	for _, r := range c.Renditions {
		if r.Name == name {
			return r, true
		}
	}
	return Rendition{}, false
}

// Hold has all renditions open until release is called.
func (c Camera) Hold() (release func()) {
	releases := make([]func(), len(c.Renditions))
	for i, r := range c.Renditions {
		releases[i] = r.hold()
	}
	return sync.OnceFunc(func() {
		for _, release := range releases {
			release()
		}
	})
}

// below reports whether the rendition a is a lesser one than b.
func (c Camera) below(a, b protocol.RenditionName) bool {
	at := func(name protocol.RenditionName) int {
		for i, r := range c.Renditions {
			if r.Name == name {
				return i
			}
		}
		return -1
	}
	return at(a) > at(b)
}
