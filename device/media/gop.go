package media

import "time"

// Bounds of the keyframe cache: more than 6 s or 4 MB would take a new viewer longer to receive than to wait.
const (
	maxCacheBytes = 4 << 20
	maxCacheAge   = 6 * time.Second
)

// picture is one access unit as it is sent: immutable and shared by all viewers.
type picture struct {
	payloads [][]byte
	// ts is the stream's time in ticks of VideoClockRate.
	ts    int64
	bytes int
	key   bool
	// standIn tells that it is not of the source.
	standIn bool
}

// gop caches the current group of pictures, for viewers that come in the middle of it.
type gop struct {
	// pictures is empty when there is nothing to start with: before the first keyframe, and in a group over the bounds.
	pictures []*picture
	bytes    int
	// began and last are when the first and the last picture came, length how long the group before was (0: unknown).
	began, last time.Time
	length      time.Duration
}

// clear forgets the pictures.
func (g *gop) clear() { *g = gop{} }

// add takes the next picture.
func (g *gop) add(p *picture, now time.Time) {
	if p.key {
		length := time.Duration(0)
		if !g.began.IsZero() {
			length = now.Sub(g.began)
		}
		*g = gop{began: now, length: length}
	} else if len(g.pictures) == 0 {
		return
	}
	g.last = now
	g.bytes += p.bytes
	if g.bytes > maxCacheBytes || now.Sub(g.began) > maxCacheAge {
		g.pictures = nil
		return
	}
	g.pictures = append(g.pictures, p)
}

// staleAfter is how long after its last picture a group still shows the present. A source that makes less than one
// picture in that time has small groups that nobody misses.
const staleAfter = 3 * time.Second

// start returns the pictures to start with, or nil if there are none that show the present. They must not be changed.
func (g *gop) start(now time.Time) []*picture {
	if len(g.pictures) == 0 || now.Sub(g.last) > staleAfter {
		return nil
	}
	return g.pictures
}

// worthReplaying reports whether sending the group again, which takes the given time, brings a picture sooner than
// the next keyframe does by itself.
func (g *gop) worthReplaying(now time.Time, drain time.Duration) bool {
	return g.length == 0 || now.Add(drain).Before(g.began.Add(g.length))
}
