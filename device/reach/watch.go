package reach

import (
	"context"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// pollInterval is how often the network is looked at where the kernel does not tell of changes, heardInterval where it
	// does, in case it could not.
	pollInterval  = 3 * time.Second
	heardInterval = 30 * time.Second
	// quiet is how long a change is given to be whole: an interface that comes up gets its addresses one by one.
	quiet = 300 * time.Millisecond
	// doubtInterval is the least time between two changes that were none by the addresses, and are looked into all the same.
	doubtInterval = 5 * time.Second
)

// watch looks whether the machine is in another network, until the context ends.
func (p *Port) watch(ctx context.Context) {
	if p.cfg.Place == nil {
		return
	}
	var changes <-chan struct{}
	interval := pollInterval
	if p.cfg.Socket == nil {
		heard, stop, err := routeChanges()
		if err == nil {
			defer stop()
			changes, interval = heard, heardInterval
		} else {
			p.log.Debug("kernel does not tell of changes", "err", err)
		}
	}
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var doubted time.Time
	for place := p.cfg.Place(); ; {
		var told bool
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-changes:
			told = true
			select {
			case <-ctx.Done():
				return
			case <-time.After(quiet):
			}
		}
		switch now := p.cfg.Place(); {
		case now != place:
			place = now
			p.moved()
		case told && time.Since(doubted) > doubtInterval:
			doubted = time.Now()
			p.doubt()
		}
	}
}

// doubt has the network looked at without voiding what was learned: half the world's homes have the same addresses, so that
// a device that was unplugged may be in another one all the same.
func (p *Port) doubt() {
	p.mu.Lock()
	p.doubtful = true
	p.mu.Unlock()
	p.poke()
}

// moved forgets what was learned of another network, and has this one looked at.
func (p *Port) moved() {
	p.log.Info("network changed")
	p.mu.Lock()
	p.servers, p.network = nil, protocol.Network{}
	p.unsettle()
	p.mu.Unlock()
	p.poke()
	if p.cfg.Mapper != nil {
		p.cfg.Mapper.Again()
	}
	p.tell(true)
}
