package peer

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Numbers of the choice between a camera's two renditions.
const (
	// troubleLoss is the share of lost packets that a sender gives way to (draft-ietf-rmcat-gcc-02 section 6); calmLoss is
	// what radio links lose all the time.
	troubleLoss = 0.10
	calmLoss    = 0.05
	// troubleFor is how long the path must have been too slow: a keyframe alone is no trouble.
	troubleFor = 2 * time.Second
	// direFor is the same where the path carries less than dire of the rate: every moment makes it worse.
	direFor = time.Second
	dire    = 0.5
	// enough is the share of a rendition's rate that the path must carry for it to go on, ample that for it to begin.
	enough, ample = 0.9, 1.1
	// calmFor is how long all must have been well before the larger rendition is tried again; every try that fails doubles
	// it, to calmForMost.
	calmFor     = 10 * time.Second
	calmForMost = 2 * time.Minute
	// provenAfter is how long the larger one must go well for the next trouble to count as the first.
	provenAfter = 30 * time.Second
	// probeFor is how long a try by copies of packets takes at most.
	probeFor = 4 * time.Second
	// probeStep is how much more than what is known a try sends, so that one that fails does little harm.
	probeStep = 1.5
	// silentFor is when a rendition that brought nothing is looked for again.
	silentFor = 30 * time.Second
	// roomier is how much larger than the smaller rendition a picture must be shown for the larger one to be worth it.
	roomier = 1.1
)

// conditions are what the choice depends on at a moment.
type conditions struct {
	now time.Time
	// relayed says that media goes over a relay, hd that the best rendition may, and limit bounds it there, in bits per
	// second; 0 means no bound.
	relayed, hd bool
	limit       int
	wishes      wishes
	path        pathState
	// cuts counts how often the viewer's queue was cut.
	cuts uint64
	// showing is what is sent, next what is waited for, empty for none.
	showing, next protocol.RenditionName
	// rate is that of main in bits per second, 0 while it is not known; width and height are those of sub, 0 likewise.
	rate          int
	width, height int
	// probes says that the path can be tried without changing the picture.
	probes bool
}

// verdict is what a chooser decides.
type verdict struct {
	rendition protocol.RenditionName
	// probe is the rate at which the path is to be tried, in bits per second with the picture's own; 0 means not.
	probe int
}

// chooser decides which of two renditions a viewer is sent: main where the path carries it and the viewer has an eye for
// it. It gives way within seconds and comes back with care, since an estimate only knows what was tried. It does nothing
// itself. Its zero value begins with main.
type chooser struct {
	// asked is what was decided last.
	asked protocol.RenditionName
	// low says that the path was too slow for main, failures how often in a row.
	low      bool
	failures int
	// trouble and calm are since when there has been; zero means that there is none now.
	trouble, calm time.Time
	cuts          uint64
	// climbed is when main was last tried; zero means never, or that it has proven itself.
	climbed time.Time
	// probing is since when the path is being tried.
	probing time.Time
	// rested is until when a rendition that brought nothing is left alone.
	rested map[protocol.RenditionName]time.Time
	// rate is the last that was known of main.
	rate int
}

// choose decides anew. It is to be called a few times a second.
func (c *chooser) choose(now conditions) verdict {
	if now.rate > 0 {
		c.rate = now.rate
	}
	if c.rate == 0 {
		c.rate = initialBitrate // an HD camera's
	}
	c.rest(now)
	want, auto := c.allowed(now)
	cut := now.cuts > c.cuts
	c.cuts = now.cuts
	switch {
	case !auto:
		c.trouble, c.calm, c.probing = time.Time{}, time.Time{}, time.Time{}
	case c.low:
		c.recover(now, cut)
	default:
		c.watch(now, cut)
	}
	v := verdict{rendition: want}
	if auto && c.low {
		v.rendition = protocol.RenditionSub
		if !c.probing.IsZero() {
			v.probe = int(min(ample*float64(c.rate), probeStep*float64(now.path.estimate)))
		}
	}
	if now.now.Before(c.rested[v.rendition]) {
		v.rendition = now.showing
	}
	c.asked = v.rendition
	return v
}

// settle tells what is sent while there is nothing to choose.
func (c *chooser) settle(name protocol.RenditionName) {
	c.asked, c.trouble, c.calm, c.probing = name, time.Time{}, time.Time{}, time.Time{}
}

// allowed returns the best rendition that policy, viewer and size let pass, and whether the path has a say in it.
func (c *chooser) allowed(now conditions) (best protocol.RenditionName, auto bool) {
	switch {
	case now.relayed && !now.hd,
		now.relayed && now.limit > 0 && float64(now.limit) < ample*float64(c.rate),
		now.wishes.choice == protocol.RenditionSub:
		return protocol.RenditionSub, false
	case now.wishes.choice == protocol.RenditionMain:
		return protocol.RenditionMain, false
	case !c.worthwhile(now):
		return protocol.RenditionSub, false
	}
	return protocol.RenditionMain, true
}

// worthwhile reports whether the viewer would see the difference.
func (c *chooser) worthwhile(now conditions) bool {
	view := now.wishes.view
	switch {
	case view == nil:
		return true
	case view.Width == 0 || view.Height == 0:
		return false
	case now.width == 0 || now.height == 0:
		return true
	}
	scale := min(float64(view.Width)/float64(now.width), float64(view.Height)/float64(now.height))
	if c.asked == protocol.RenditionMain {
		return scale > 1
	}
	return scale > roomier
}

// rest leaves a rendition alone that was waited for in vain.
func (c *chooser) rest(now conditions) {
	if c.asked == "" || now.showing == c.asked || now.next == c.asked {
		return
	}
	if c.rested == nil {
		c.rested = make(map[protocol.RenditionName]time.Time)
	}
	c.rested[c.asked] = now.now.Add(silentFor)
}

// watch looks for trouble with main.
func (c *chooser) watch(now conditions, cut bool) {
	if now.showing != protocol.RenditionMain {
		c.trouble = time.Time{}
		return
	}
	slow := now.path.congested && float64(now.path.estimate) < enough*float64(c.rate)
	bad := slow || now.path.loss > troubleLoss
	switch {
	case !bad:
		c.trouble = time.Time{}
	case c.trouble.IsZero():
		c.trouble = now.now
	}
	limit := troubleFor
	if slow && float64(now.path.estimate) < dire*float64(c.rate) {
		limit = direFor
	}
	if cut || bad && now.now.Sub(c.trouble) >= limit {
		c.fail()
		return
	}
	if !c.climbed.IsZero() && now.now.Sub(c.climbed) >= provenAfter {
		c.climbed, c.failures = time.Time{}, 0
	}
}

// fail goes down to sub, or stays there.
func (c *chooser) fail() {
	c.failures++
	c.low = true
	c.trouble, c.calm, c.probing, c.climbed = time.Time{}, time.Time{}, time.Time{}, time.Time{}
}

// patience is how long all must be well now before main is tried.
func (c *chooser) patience() time.Duration {
	p := calmFor
	for n := 1; n < c.failures && p < calmForMost; n++ {
		p *= 2
	}
	return min(p, calmForMost)
}

// recover looks for a good moment to go back to main: after a while of calm, when the path is known to carry it, or else has
// stood a try.
func (c *chooser) recover(now conditions, cut bool) {
	well := !cut && !now.path.congested && now.path.loss < calmLoss && now.showing == protocol.RenditionSub
	switch {
	case !well && !c.probing.IsZero():
		c.fail()
		return
	case !well:
		c.calm = time.Time{}
		return
	case c.calm.IsZero():
		c.calm = now.now
	}
	if now.now.Sub(c.calm) < c.patience() {
		return
	}
	if c.probing.IsZero() && now.probes {
		c.probing = now.now
	}
	carries := float64(now.path.estimate) >= ample*float64(c.rate)
	if !carries && now.probes && now.now.Sub(c.probing) < probeFor {
		return
	}
	c.low, c.climbed = false, now.now
	c.calm, c.probing = time.Time{}, time.Time{}
}
