package throttle

import (
	"container/list"
	"net/netip"
	"sync"
	"time"
)

// Table keeps a pace for each of many. It is safe for concurrent use.
type Table[K comparable] struct {
	pace Pace
	most int

	// mu guards what follows.
	mu     sync.Mutex
	byKey  map[K]*list.Element
	recent *list.List // of *entry[K], the longest unseen first
}

type entry[K comparable] struct {
	key    K
	bucket Bucket
}

// NewTable makes a table that remembers most keys, about 200 bytes each. Over that the one that was longest unseen is
// forgotten, and has its whole burst again: a table must not be all that stands in the way of a multitude.
func NewTable[K comparable](pace Pace, most int) *Table[K] {
	return &Table[K]{pace: pace, most: most, byKey: map[K]*list.Element{}, recent: list.New()}
}

// Take is Bucket.Take for a key.
func (t *Table[K]) Take(key K, now time.Time) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bucket(key, now).Take(t.pace, now)
}

// TakeAndCount is Take, and tells what is left then, as Bucket.Left does.
func (t *Table[K]) TakeAndCount(key K, now time.Time) (wait time.Duration, left int, whole time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	bucket := t.bucket(key, now)
	wait = bucket.Take(t.pace, now)
	left, whole = bucket.Left(t.pace, now)
	return wait, left, whole
}

// bucket returns the bucket of a key, which is remembered from now on. mu is held.
func (t *Table[K]) bucket(key K, now time.Time) *Bucket {
	element := t.byKey[key]
	if element == nil {
		t.forget(now)
		element = t.recent.PushBack(&entry[K]{key: key})
		t.byKey[key] = element
	} else {
		t.recent.MoveToBack(element)
	}
	e, _ := element.Value.(*entry[K]) // the list has nothing else
	return &e.bucket
}

// forget makes room for one, and lets go of those at the front that need not be remembered, two at a time: so the table
// shrinks when its multitude has gone.
func (t *Table[K]) forget(now time.Time) {
	for range 2 {
		front := t.recent.Front()
		if front == nil {
			return
		}
		e, _ := front.Value.(*entry[K]) // as above
		if t.recent.Len() < t.most && !e.bucket.Whole(now) {
			return
		}
		t.recent.Remove(front)
		delete(t.byKey, e.key)
	}
}

// Len is how many keys are remembered.
func (t *Table[K]) Len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.recent.Len()
}

// Household returns what one customer has: an IPv4 address, or the IPv6 /64 within which it picks addresses at will. All
// unknown addresses, which are not valid, are one.
func Household(address netip.Addr) netip.Prefix {
	address = address.Unmap().WithZone("")
	bits := address.BitLen()
	if address.Is6() {
		bits = 64
	}
	prefix, err := address.Prefix(bits)
	if err != nil {
		return netip.Prefix{}
	}
	return prefix
}
