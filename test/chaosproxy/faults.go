package chaosproxy

import "time"

// Reset resets all connections at both ends and returns how many there were.
func (p *Proxy) Reset() int {
	list := p.list(false)
	for _, t := range list {
		t.reset()
	}
	return len(list)
}

// Finish closes all connections as their peers would, and returns how many there were. Data on the way arrives.
func (p *Proxy) Finish() int {
	list := p.list(false)
	for _, t := range list {
		_ = t.client.CloseWrite()
		_ = t.server.CloseWrite()
	}
	return len(list)
}

// FinishHalf closes one direction of all connections, and returns how many there were: either the server hears that
// the client has no more to say, or the client that of the server.
func (p *Proxy) FinishHalf(toServer bool) int {
	list := p.list(false)
	for _, t := range list {
		if toServer {
			_ = t.server.CloseWrite()
		} else {
			_ = t.client.CloseWrite()
		}
	}
	return len(list)
}

// Stall passes nothing on for a while. New connections are taken.
func (p *Proxy) Stall(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stalled = time.Now().Add(d)
}

// Delay makes everything late from now on; 0 ends that.
func (p *Proxy) Delay(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// Replay repeats what the clients of all WebSockets said first on connections of their own, which live for a while. It
// returns how many there are; the server hears of each as of a client that comes again.
func (p *Proxy) Replay(patience time.Duration) int {
	list := p.list(true)
	for _, t := range list {
		p.work.Go(func() { t.replay(patience) })
	}
	return len(list)
}

// Block lets no WebSocket through any more, and resets those that there are; it returns how many. Unblock ends that.
func (p *Proxy) Block() int {
	p.mu.Lock()
	p.blocked = true
	p.mu.Unlock()
	list := p.list(true)
	for _, t := range list {
		t.reset()
	}
	return len(list)
}

// Unblock lets WebSockets through.
func (p *Proxy) Unblock() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.blocked = false
}
