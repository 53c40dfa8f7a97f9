package media

import "time"

const (
	// maxLate is how long a picture may wait beyond what pacing asks for: 05 §2 wants 300 to 500 ms.
	maxLate = 400 * time.Millisecond
	// maxLimitedLate is how far a viewer with a bounded bit rate may fall behind before pictures are left out: with less of
	// a second, most of what the bound allows would go unused between a group's first pictures and the next keyframe.
	maxLimitedLate = time.Second
	// maxTurnLate is how far behind a viewer may be for what waits to be sent before another rendition: it goes unseen.
	maxTurnLate = 100 * time.Millisecond
	// maxQueueBytes bounds what one viewer can hold back: a full cache and as much again.
	maxQueueBytes = 2 * maxCacheBytes
	// maxQueuedAudio is in frames, 1 s of the usual 20 ms; the oldest go first.
	maxQueuedAudio = 50
	// fastStartStep is the distance of cached pictures in ticks: 1 ms, so that a viewer shows them as they come.
	fastStartStep = VideoClockRate / 1000
)

// queued is a picture that waits for one viewer.
type queued struct {
	*picture
	// ts is the picture's time for this viewer.
	ts int64
	// due is when the pacer would have sent it, had nothing else held it up.
	due time.Time
}

// queue is the video that waits for one viewer. It starts with a keyframe, and after each cut again. It needs its
// owner's lock.
type queue struct {
	pictures []queued
	head     int
	bytes    int
	// due is that of the last picture.
	due time.Time
	// started tells that the next picture may be any, not only a keyframe; full that it is not taken even then.
	started, full bool
}

// push adds a live picture of the given time that the pacer needs drain for, and reports whether it was taken.
func (q *queue) push(p *picture, ts int64, now time.Time, drain time.Duration) bool {
	if q.full || !q.started && !p.key {
		return false
	}
	q.started = true
	q.add(p, ts, now, drain)
	return true
}

func (q *queue) add(p *picture, ts int64, now time.Time, drain time.Duration) {
	if now.After(q.due) {
		q.due = now
	}
	q.due = q.due.Add(drain)
	q.pictures = append(q.pictures, queued{p, ts, q.due})
	q.bytes += p.bytes
}

// prime replaces what waits by a group of pictures, whose times are compressed so that the last keeps its own. The shift
// leads from the stream's time to the viewer's.
func (q *queue) prime(group []*picture, shift int64, now time.Time, drain func(int) time.Duration) {
	q.drop(len(q.pictures))
	q.started = true
	q.due = now
	end := group[len(group)-1].ts
	for i, p := range group {
		q.add(p, shift+max(p.ts, end-int64(len(group)-1-i)*fastStartStep), now, drain(p.bytes))
	}
}

// yield leaves out what comes, up to the next keyframe, when the bit rate is bounded and what waits has enough to do.
func (q *queue) yield(limited bool, now time.Time) {
	q.full = limited && q.due.Sub(now) > maxLimitedLate
	q.started = q.started && !q.full
}

// shorten leaves only the keyframe of a group that takes too long.
func (q *queue) shorten(now time.Time) {
	if q.due.Sub(now) <= maxLimitedLate {
		return
	}
	first := q.head + 1
	for i := first; i < len(q.pictures); i++ {
		q.bytes -= q.pictures[i].bytes
		q.pictures[i] = queued{}
	}
	q.pictures = q.pictures[:first]
	q.due = q.pictures[q.head].due
	q.started = false
}

// turn makes room for another rendition: what waits is left out when it is late, or when it would keep the keyframe that
// comes next out. It returns how many pictures that were.
func (q *queue) turn(now time.Time) int {
	q.started = false
	if !q.full && q.due.Sub(now) <= maxTurnLate {
		return 0
	}
	n := len(q.pictures) - q.head
	q.drop(len(q.pictures))
	q.due, q.full = now, false
	return n
}

// pop takes the first picture.
func (q *queue) pop() (queued, bool) {
	if q.head == len(q.pictures) {
		return queued{}, false
	}
	p := q.pictures[q.head]
	q.drop(q.head + 1)
	return p, true
}

// drop takes off all pictures before the index to.
func (q *queue) drop(to int) {
	for i := q.head; i < to; i++ {
		q.bytes -= q.pictures[i].bytes
		q.pictures[i] = queued{}
	}
	if q.head = to; to == len(q.pictures) {
		q.head, q.pictures = 0, q.pictures[:0]
	}
}

// cut checks the bounds. Over them it drops everything before the last keyframe that waits, or everything if that is
// not enough, and returns how many pictures it dropped.
func (q *queue) cut(now time.Time, drain func(int) time.Duration) int {
	if q.head == len(q.pictures) || (q.bytes <= maxQueueBytes && now.Sub(q.pictures[q.head].due) <= maxLate) {
		return 0
	}
	before := len(q.pictures) - q.head
	key := len(q.pictures) - 1
	for key > q.head && !q.pictures[key].key {
		key--
	}
	if key == q.head {
		q.drop(len(q.pictures))
		q.started = false
		return before
	}
	dropped := key - q.head
	q.drop(key)
	q.due = now
	for i := q.head; i < len(q.pictures); i++ {
		q.due = q.due.Add(drain(q.pictures[i].bytes))
		q.pictures[i].due = q.due
	}
	return dropped
}
