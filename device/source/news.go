package source

import "sync"

// news tells its subscribers that something changed. The zero value has none.
type news struct {
	// mu guards all below. Subscribers are called without it.
	mu   sync.Mutex
	next int
	told map[int]func()
}

func (n *news) subscribe(told func()) (cancel func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.told == nil {
		n.told = map[int]func(){}
	}
	id := n.next
	n.next++
	n.told[id] = told
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		delete(n.told, id)
	}
}

func (n *news) tell() {
	n.mu.Lock()
	all := make([]func(), 0, len(n.told))
	for _, told := range n.told {
		all = append(all, told)
	}
	n.mu.Unlock()
	for _, told := range all {
		told()
	}
}
