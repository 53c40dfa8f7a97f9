package peer

import (
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	mainName = protocol.RenditionMain
	subName  = protocol.RenditionSub
)

// act is a span of conditions and what is sent at its end.
type act struct {
	seconds float64
	change  func(*conditions)
	want    protocol.RenditionName
}

// play runs a chooser through acts, four times a second, as a viewer that gets what is asked for at once.
func play(t *testing.T, c *chooser, acts []act) (probed int) {
	t.Helper()
	now := conditions{
		now: time.Now(), showing: mainName, rate: 3_000_000, width: 640, height: 360,
		path: pathState{estimate: 6_000_000},
	}
	for n, s := range acts {
		s.change(&now)
		for range int(s.seconds * 4) {
			v := c.choose(now)
			now.showing = v.rendition
			if v.probe > 0 {
				probed++
			}
			now.now = now.now.Add(time.Second / 4)
		}
		if now.showing != s.want {
			t.Fatalf("scene %d: got %s, want %s (%+v)", n, now.showing, s.want, c)
		}
	}
	return probed
}

func good(c *conditions) { c.path = pathState{estimate: 6_000_000} }

func full(c *conditions) { c.path = pathState{estimate: 2_000_000, congested: true} }

func direPath(c *conditions) { c.path = pathState{estimate: 600_000, congested: true} }

func lossy(c *conditions) { c.path = pathState{estimate: 6_000_000, loss: 0.12} }

func same(*conditions) {}

func TestChooser(t *testing.T) {
	view := func(w, h int) func(*conditions) {
		return func(c *conditions) { c.wishes.view = &protocol.View{Width: w, Height: h} }
	}
	choice := func(name protocol.RenditionName) func(*conditions) {
		return func(c *conditions) { c.wishes.choice = name }
	}
	relay := func(hd bool, limit int) func(*conditions) {
		return func(c *conditions) { c.relayed, c.hd, c.limit = true, hd, limit }
	}
	direct := func(c *conditions) { c.relayed = false }
	for name, acts := range map[string][]act{
		"a good direct path has main":                 {{5, good, mainName}},
		"a relay has sub, and main again when direct": {{1, relay(false, 0), subName}, {1, direct, mainName}},
		"a relay with HD has main":                    {{1, relay(true, 0), mainName}},
		"a relay with HD and too low a limit":         {{1, relay(true, 2_000_000), subName}},
		"a relay with HD and room in the limit":       {{1, relay(true, 4_000_000), mainName}},
		"the viewer's choice does not beat the relay": {{1, relay(false, 0), subName}, {1, choice(mainName), subName}},
		"the viewer's choice beats size and path":     {{1, view(100, 50), subName}, {1, choice(mainName), mainName}, {60, full, mainName}},
		"the viewer chooses sub, then leaves it":      {{1, choice(subName), subName}, {1, choice(""), mainName}},
		"hidden":                                      {{1, view(0, 0), subName}, {1, view(1280, 720), mainName}},
		"no larger than sub":                          {{1, view(640, 400), subName}, {1, view(700, 390), subName}, {1, view(1000, 800), mainName}, {1, view(660, 800), mainName}},
		"a full path":                                 {{1.5, full, mainName}, {1.5, full, subName}},
		"a path of a fifth":                           {{0.75, direPath, mainName}, {0.75, direPath, subName}},
		"a short trouble":                             {{1.5, full, mainName}, {1, good, mainName}, {1.5, full, mainName}},
		"loss":                                        {{1.5, lossy, mainName}, {1.5, lossy, subName}, {60, same, subName}},
		"a cut goes down now":                         {{0.25, func(c *conditions) { c.cuts++ }, subName}},
		"back after 10 s":                             {{3, full, subName}, {9, good, subName}, {2, good, mainName}},
		"back after 20 s next":                        {{3, full, subName}, {11, good, mainName}, {3, full, subName}, {19, good, subName}, {3, good, mainName}},
		"a proven one starts over": {
			{3, full, subName}, {11, good, mainName}, {31, good, mainName}, {3, full, subName}, {9, good, subName}, {2, good, mainName},
		},
		"calm must be without a break": {{3, full, subName}, {8, good, subName}, {0.5, lossy, subName}, {8, good, subName}, {3, good, mainName}},
	} {
		t.Run(name, func(t *testing.T) { play(t, &chooser{}, acts) })
	}
}

func TestChooserTriesThePathBeforeItClimbs(t *testing.T) {
	unknown := func(c *conditions) { c.path, c.probes = pathState{estimate: 900_000}, true }
	c := &chooser{}
	if probed := play(t, c, []act{{3, full, subName}, {10, unknown, subName}, {3, same, subName}}); probed == 0 {
		t.Error("the path was not tried")
	}
	c = &chooser{}
	play(t, c, []act{{3, full, subName}, {11, unknown, subName}, {0.5, full, subName}, {19, unknown, subName}, {7, unknown, mainName}})
	if c.failures != 2 {
		t.Errorf("failures: got %d, want the first trouble and the try", c.failures)
	}
}

func TestChooserGoesOnAfterThereWasNothingToChoose(t *testing.T) {
	c := &chooser{}
	play(t, c, []act{{5, good, mainName}})
	c.settle(subName) // main was away
	now := conditions{now: time.Now(), showing: subName, rate: 3_000_000, path: pathState{estimate: 6_000_000}}
	if v := c.choose(now); v.rendition != mainName {
		t.Errorf("got %s, want main at once", v.rendition)
	}
}

func TestChooserLeavesASilentRenditionAlone(t *testing.T) {
	c := &chooser{}
	now := conditions{now: time.Now(), showing: mainName, relayed: true}
	if v := c.choose(now); v.rendition != subName {
		t.Fatalf("got %s, want sub", v.rendition)
	}
	now.now, now.next = now.now.Add(time.Second), subName
	c.choose(now)
	now.next = "" // given up
	if v := c.choose(now); v.rendition != mainName {
		t.Errorf("after it was given up: got %s, want main", v.rendition)
	}
	now.now = now.now.Add(silentFor)
	if v := c.choose(now); v.rendition != subName {
		t.Errorf("later: got %s, want sub again", v.rendition)
	}
}
