package webhook

import (
	"cmp"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// item is an event that an endpoint is to be sent.
type item struct {
	seq      uint64
	id       string
	device   protocol.DeviceID
	attempts int
	// due is when the first attempt should be, next when the next is; zero is at once.
	due, next time.Time
	// event is nil for one that the history is asked for again.
	event *record.Event
	// kept says that the item has a row, or is about to get one.
	kept bool
}

// dead reports whether the item's time is over.
func (i *item) dead(now time.Time) bool { return !now.Before(i.due.Add(life)) }

// lane is the events of one device in the order of their numbers: only the first may be in flight.
type lane struct {
	items []*item
	// flying is in flight; nil is none. A replay may have come before it.
	flying *item
}

// put adds an item in its place. It reports false for one that is there already.
func (l *lane) put(it *item) bool {
	n := len(l.items)
	if n == 0 || l.items[n-1].seq < it.seq {
		l.items = append(l.items, it)
		return true
	}
	at, found := slices.BinarySearchFunc(l.items, it.seq, func(i *item, seq uint64) int { return cmp.Compare(i.seq, seq) })
	if found {
		return false
	}
	l.items = slices.Insert(l.items, at, it)
	return true
}

func (l *lane) remove(it *item) {
	if at := slices.Index(l.items, it); at >= 0 {
		l.items = slices.Delete(l.items, at, at+1)
	}
}

// head is the item that is sent next; nil while one is in flight, and of an empty lane.
func (l *lane) head() *item {
	if l.flying != nil || len(l.items) == 0 {
		return nil
	}
	return l.items[0]
}

// blocked reports whether the lane's items have to wait, so that each needs a row.
func (l *lane) blocked() bool { return len(l.items) > 0 && l.items[0].kept }
