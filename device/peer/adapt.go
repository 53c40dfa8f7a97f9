package peer

import (
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// adaptEvery is how often the path is looked at: a few times within the two seconds that decide.
const adaptEvery = 500 * time.Millisecond

// subscribe starts the packets: with the rendition that is right for the path, or with the other where that has a picture
// sooner. It needs mu.
func (p *Peer) subscribe(now time.Time) *media.Subscription {
	names := p.present()
	start, then := protocol.RenditionName(""), protocol.RenditionName("")
	if len(names) > 0 {
		start = names[0]
	}
	if len(names) > 1 {
		start = p.chooser.choose(p.conditions(now)).rendition
		if other := p.sooner(start); other != start {
			start, then = other, start
		}
	}
	flow := p.opt.Camera.Subscribe(media.Options{
		Video: p.video.target(), Audio: p.audio.target(), Pacer: p.pacer, Start: start,
		Sound: p.sound, Turned: p.turned, Burst: p.lane.burst,
	})
	if then != "" {
		flow.Select(then)
	}
	return flow
}

// sooner names the rendition that has a picture before the given one, or at least may have: a camera's smaller stream costs
// little to open.
func (p *Peer) sooner(name protocol.RenditionName) protocol.RenditionName {
	ready := func(name protocol.RenditionName) bool {
		r, ok := p.opt.Camera.Find(name)
		return ok && r.Stream.Ready()
	}
	switch {
	case ready(name):
	case name == protocol.RenditionMain:
		return protocol.RenditionSub
	case ready(protocol.RenditionMain):
		return protocol.RenditionMain
	}
	return name
}

// turned notes that another rendition is sent.
func (p *Peer) turned() {
	p.turnedPicture.Store(true)
	p.poke()
}

// adapt does what the path asks for now: it chooses the rendition, tells the pacer what the path carries, and has it tried.
func (p *Peer) adapt(now time.Time) {
	p.mu.Lock()
	flow := p.flow
	if flow == nil || p.reason != "" {
		p.mu.Unlock()
		return
	}
	names, c := p.present(), p.conditions(now)
	v := verdict{rendition: c.showing}
	if len(names) > 1 {
		v = p.chooser.choose(c)
	} else if len(names) == 1 {
		v.rendition = names[0]
		p.chooser.settle(v.rendition)
	}
	rate := 0
	if showing, ok := p.opt.Camera.Find(c.showing); ok {
		rate = showing.Stream.Stats().BitsPerSecond
	}
	carries, tooLittle := p.brake.decide(now, c.path, rate)
	p.pacer.SetPath(carries, tooLittle)
	p.history.bound(carries)
	try := v.probe > 0 && !p.probe.on
	p.probe.on, p.probe.rate = v.probe > 0, v.probe-rate
	p.mu.Unlock()
	if _, missing := p.known(); missing == 0 {
		p.letGo() // what is sent is held by the flow, and what else there is is known
	}
	if c.showing != v.rendition || c.next != "" {
		flow.Select(v.rendition)
	}
	if try {
		p.work.Go(p.tryPath)
	}
	if p.turnedPicture.Swap(false) {
		p.pictureChanged()
	}
}

// conditions are what the choice depends on now. It needs mu.
func (p *Peer) conditions(now time.Time) conditions {
	c := conditions{
		now: now, relayed: p.path != nil && p.path.Kind == protocol.PathRelay,
		hd: p.policy.RelayHD, limit: p.relayLimit(), wishes: p.wishes, path: p.pathMeter.state(now),
		probes: p.history.pads(),
	}
	if c.path.estimate == 0 {
		c.path.loss = p.quality.fraction // of a viewer without feedback
	}
	if p.flow != nil {
		c.showing, c.next = p.flow.Showing()
		c.cuts = p.flow.Stats().Cuts
	}
	if main, ok := p.opt.Camera.Find(protocol.RenditionMain); ok {
		c.rate = main.Stream.Stats().BitsPerSecond
	}
	if sub, ok := p.opt.Camera.Find(protocol.RenditionSub); ok {
		if f, ok := sub.Stream.LastFormat(); ok {
			c.width, c.height = f.Width, f.Height
		}
	}
	return c
}
