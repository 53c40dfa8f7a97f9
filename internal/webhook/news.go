package webhook

import (
	"slices"

	"github.com/sightline-rtc/sightline/record"
)

// news is what has become of an endpoint's deliveries since it was handed over to be kept.
type news struct {
	any bool
	// rows are new or changed, settled are to go.
	rows       map[uint64]*item
	settled    map[uint64]struct{}
	dead       []record.SeqRange
	buried     int
	missed     uint64
	gone       bool
	replays    map[string]record.ReplayRange
	deliveries []record.Delivery
	// saving counts the deliveries that were handed over and are not kept yet.
	saving int
}

func newNews() news {
	return news{rows: map[uint64]*item{}, settled: map[uint64]struct{}{}, replays: map[string]record.ReplayRange{}}
}

func (n *news) unsaved() int { return n.saving + len(n.deliveries) }

func (n *news) bury(r record.SeqRange) {
	n.any = true
	n.buried++
	if last := len(n.dead) - 1; last >= 0 && n.dead[last].Last+1 == r.First {
		n.dead[last].Last = r.Last
		return
	}
	n.dead = append(n.dead, r)
}

func (n *news) add(it *item, kind record.EventKind, o outcome) {
	n.any = true
	n.deliveries = append(n.deliveries, record.Delivery{
		Event: it.id, Seq: it.seq, Kind: kind, Device: it.device, Attempt: it.attempts,
		At: o.at, Took: o.took, Status: o.status, Err: o.err, Response: o.response,
	})
}

// handOver returns what is to be kept; ok is false for nothing.
func (q *queue) handOver(webhook string) (p record.WebhookProgress, ok bool) {
	if !q.news.any {
		return p, false
	}
	n := q.news
	q.news = newNews()
	q.news.saving = n.saving + len(n.deliveries)
	p = record.WebhookProgress{
		Webhook: webhook, Cursor: q.read, Open: q.openItems(), Failing: q.failing,
		Missed: n.missed, Gone: n.gone, Dead: n.dead, Deliveries: n.deliveries,
	}
	for _, it := range n.rows {
		p.Waiting = append(p.Waiting, record.WaitingDelivery{
			Seq: it.seq, Event: it.id, Device: it.device, Attempts: it.attempts, Due: it.due, Next: it.next,
		})
	}
	for seq := range n.settled {
		p.Settled = append(p.Settled, seq)
	}
	for _, r := range n.replays {
		p.Replays = append(p.Replays, r)
	}
	return p, true
}

// kept is told that all that was handed over is kept.
func (q *queue) kept() { q.news.saving = 0 }

func (q *queue) openItems() []uint64 {
	open := make([]uint64, 0, q.open)
	for _, l := range q.lanes {
		for _, it := range l.items {
			if !it.kept {
				open = append(open, it.seq)
			}
		}
	}
	slices.Sort(open)
	return open
}
