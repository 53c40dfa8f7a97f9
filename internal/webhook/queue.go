package webhook

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxInFlight bounds the requests that an endpoint gets at a time.
	maxInFlight = 4
	// maxOpen bounds the events that are read from the history and have no row: enough to keep maxInFlight busy for as long as
	// it takes to read more.
	maxOpen = 256
	// maxWaiting bounds the rows of an endpoint. Past that its place in the history stays where it is.
	maxWaiting = 5000
	// maxLane bounds the rows of one lane, and those of an endpoint while nothing succeeds. Past that the oldest of the lane
	// becomes a dead letter: an event that an endpoint cannot take holds up its device, not the others.
	maxLane = 500
	// maxUnsaved bounds the deliveries whose end is not kept yet, which a crash repeats.
	maxUnsaved = 64
	// breakAfter is how many failures in a row break an endpoint: more than are in flight.
	breakAfter = maxInFlight + 1
	// slow is the time of an answer, on average, from which an endpoint counts as slow.
	slow = time.Second
)

// queue decides what one endpoint is sent, and when: no clock, no network, no storage. It belongs to one goroutine.
type queue struct {
	on    bool
	since time.Time
	wants func(record.EventKind) bool
	// read is the place in the history. Since past, nothing was read but what is not wanted and dead letters; 0 is unknown.
	read  uint64
	past  uint64
	lanes map[protocol.DeviceID]*lane
	// open and waiting count the items without a row and with one, flying those in flight.
	open, waiting, flying int
	// failures are those in a row. A broken endpoint gets one request at a time, from probe on; probes are those that failed.
	failures, probes int
	broken           bool
	probe            time.Time
	failing          time.Time
	// answers is the moving average of how long the endpoint takes.
	answers time.Duration
	news    news
}

// newQueue makes the queue of an endpoint as it was kept. Events that were open then are read again.
func newQueue(w *record.Webhook, waiting []record.WaitingDelivery, open []record.Event, now time.Time) *queue {
	q := &queue{read: w.Cursor, failing: w.Failing, lanes: map[protocol.DeviceID]*lane{}, news: newNews()}
	q.configure(w, now)
	if !w.Failing.IsZero() {
		q.broken, q.probe = true, now
	}
	for _, d := range waiting {
		q.lane(d.Device).put(&item{seq: d.Seq, id: d.Event, device: d.Device, attempts: d.Attempts, due: d.Due, next: d.Next, kept: true})
		q.waiting++
	}
	for i := range open {
		q.add(&open[i])
	}
	return q
}

// configure takes up what the endpoint's project says now. An endpoint that is changed gets another chance at once.
func (q *queue) configure(w *record.Webhook, now time.Time) {
	q.on, q.since, q.wants = w.State == record.WebhookOn, w.Since, w.Wants
	q.mend(now)
}

// mend ends the wait of a broken endpoint, and of the events that failed while it was.
func (q *queue) mend(now time.Time) {
	if !q.broken {
		return
	}
	q.broken, q.failures, q.probes = false, 0, 0
	for _, l := range q.lanes {
		if len(l.items) > 0 {
			l.items[0].next = now
		}
	}
}

func (q *queue) lane(device protocol.DeviceID) *lane {
	l := q.lanes[device]
	if l == nil {
		l = &lane{}
		q.lanes[device] = l
	}
	return l
}

// room returns how many events may be offered.
func (q *queue) room() int {
	switch {
	case !q.on, q.waiting >= maxWaiting, !q.failing.IsZero() && q.waiting >= maxLane:
		return 0
	case q.broken && q.fresh() != nil:
		return 0
	case q.broken:
		return 1
	}
	return maxOpen - q.open
}

// fresh returns an item that could be sent and never was.
func (q *queue) fresh() *item {
	for _, l := range q.lanes {
		if head := l.head(); head != nil && head.attempts == 0 {
			return head
		}
	}
	return nil
}

// offer reads on in the history. The events follow the place in it; it returns how many were taken.
func (q *queue) offer(events []record.Event, now time.Time) int {
	for i := range events {
		if i > 0 && q.room() <= 0 {
			return i
		}
		e := &events[i]
		q.skipTo(e.Seq - 1)
		q.read, q.news.any = e.Seq, true
		if q.past == 0 {
			q.past = e.Seq
		}
		if q.wants(e.Kind) {
			q.take(e, now)
		}
	}
	return len(events)
}

// take adds an event, or makes a dead letter of one that comes too late: of all since past, so that ever so many are a
// single range.
func (q *queue) take(e *record.Event, now time.Time) {
	if !now.Before(q.dueOf(e).Add(life)) {
		q.news.bury(record.SeqRange{First: q.past, Last: e.Seq})
		q.past = e.Seq + 1
		return
	}
	q.past = 0
	q.add(e)
}

// dueOf is when the first attempt of an event should be: at once, but not before the endpoint was on.
func (q *queue) dueOf(e *record.Event) time.Time {
	if q.since.After(e.At) {
		return q.since
	}
	return e.At
}

// skipTo moves on over events that the history has no longer.
func (q *queue) skipTo(seq uint64) {
	if seq > q.read {
		q.news.missed += seq - q.read
		q.read, q.news.any = seq, true
	}
}

func (q *queue) add(e *record.Event) {
	it := &item{seq: e.Seq, id: e.ID, device: e.Device, due: q.dueOf(e), event: e}
	l := q.lane(e.Device)
	behind := l.blocked()
	if !l.put(it) {
		return
	}
	q.open++
	if behind {
		q.keep(it)
		q.shorten(l)
	}
}

// keep gives an item a row.
func (q *queue) keep(it *item) {
	if !it.kept {
		it.kept, it.event = true, nil
		q.open--
		q.waiting++
	}
	q.news.rows[it.seq] = it
	q.news.any = true
}

// shorten gives up the oldest of a lane that is too long, where it is not the endpoint that fails.
func (q *queue) shorten(l *lane) {
	for q.failing.IsZero() && len(l.items) > maxLane && l.head() != nil {
		q.bury(l.head())
	}
}

// replay takes events that are to be sent again, of a range that goes on at rest.First after them.
func (q *queue) replay(events []record.Event, rest record.ReplayRange, now time.Time) {
	for i := range events {
		e := &events[i]
		if !q.wants(e.Kind) {
			continue
		}
		it := &item{seq: e.Seq, id: e.ID, device: e.Device, due: now, next: now}
		if q.lane(e.Device).put(it) {
			q.open++
			q.keep(it)
		}
	}
	q.news.replays[rest.ID] = rest
	q.news.any = true
}

// next returns what is to be sent now, which is in flight then; nil is nothing before wake, which is zero where only news
// can change it.
func (q *queue) next(now time.Time) (it *item, wake time.Time) {
	if !q.on || q.flying >= maxInFlight || q.news.unsaved() >= maxUnsaved {
		return nil, wake
	}
	if q.broken {
		return q.nextProbe(now)
	}
	for device, l := range q.lanes {
		head := q.living(device, l, now)
		switch {
		case head == nil:
		case head.next.After(now):
			wake = earliest(wake, earliest(head.next, head.due.Add(life)))
		case it == nil || head.seq < it.seq:
			it = head
		}
	}
	return q.fly(it), wake
}

// nextProbe returns what was tried least often, once it is time: it need not be the endpoint that is broken, but what it
// was sent first.
func (q *queue) nextProbe(now time.Time) (it *item, wake time.Time) {
	for device, l := range q.lanes {
		head := q.living(device, l, now)
		if head != nil && (it == nil || head.attempts < it.attempts || head.attempts == it.attempts && head.seq < it.seq) {
			it = head
		}
	}
	if q.flying > 0 {
		return nil, wake
	}
	if now.Before(q.probe) {
		return nil, q.probe
	}
	return q.fly(it), wake
}

// living returns the head of a lane, after those whose time is over are buried. A lane that is empty goes.
func (q *queue) living(device protocol.DeviceID, l *lane, now time.Time) *item {
	for l.head() != nil && l.head().dead(now) {
		q.bury(l.head())
	}
	if len(l.items) == 0 {
		delete(q.lanes, device)
	}
	return l.head()
}

func (q *queue) fly(it *item) *item {
	if it != nil {
		q.lanes[it.device].flying = it
		q.flying++
	}
	return it
}

// land ends what an item was in flight for, without an outcome.
func (q *queue) land(it *item) *lane {
	l := q.lanes[it.device]
	l.flying = nil
	q.flying--
	return l
}

// bury makes a dead letter of an item.
func (q *queue) bury(it *item) {
	q.settle(it)
	q.news.bury(record.SeqRange{First: it.seq, Last: it.seq})
}

// lose drops an item whose event the history has no longer.
func (q *queue) lose(it *item) {
	q.land(it)
	q.settle(it)
	q.news.missed++
}

// settle takes an item out.
func (q *queue) settle(it *item) {
	q.lanes[it.device].remove(it)
	q.news.any = true
	if !it.kept {
		q.open--
		return
	}
	q.waiting--
	delete(q.news.rows, it.seq)
	q.news.settled[it.seq] = struct{}{}
}

// finish takes up the outcome of what was in flight.
func (q *queue) finish(it *item, kind record.EventKind, o outcome) {
	l := q.land(it)
	it.attempts++
	q.answers += (o.took - q.answers) / 8
	q.news.add(it, kind, o)
	now := o.at.Add(o.took)
	if o.ok() {
		q.settle(it)
		q.failing, q.failures = time.Time{}, 0
		q.mend(now)
		return
	}
	q.failures++
	if q.failing.IsZero() {
		q.failing = o.at
	}
	it.next = retryAt(it.attempts, now)
	for _, behind := range l.items {
		if !behind.kept || behind == it {
			q.keep(behind)
		}
	}
	q.shorten(l)
	q.suffer(o, now)
}

// suffer draws the conclusions for the endpoint of a failure.
func (q *queue) suffer(o outcome, now time.Time) {
	switch {
	case o.gone():
		q.on, q.news.gone = false, true
	case o.retryAfter > 0:
		q.broken, q.probe = true, now.Add(o.retryAfter)
	case q.broken || q.failures >= breakAfter:
		q.broken, q.probe = true, probeAt(q.probes, now)
		q.probes++
	}
}

// isSlow reports whether the endpoint takes long to answer, or does not.
func (q *queue) isSlow() bool { return q.broken || q.answers > slow }

// oldest is when the oldest item was due that is in flight; zero while nothing is.
func (q *queue) oldest() (due time.Time) {
	if q.flying == 0 {
		return due
	}
	for _, l := range q.lanes {
		if l.flying != nil && (due.IsZero() || l.flying.due.Before(due)) {
			due = l.flying.due
		}
	}
	return due
}

// idle reports whether nothing is in flight.
func (q *queue) idle() bool { return q.flying == 0 }

func earliest(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}
