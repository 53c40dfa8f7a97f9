package signal

import (
	"time"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// What a link may say that nothing else bounds; over it, it is closed (4013).
var (
	// chatter is of messages without a number, and of those that belong to no session any more. A camera that reports
	// figures of 64 sessions every second stays below it.
	chatter = throttle.Pace{Rate: 100, Burst: 2000, Longest: longestRefusal}
	// faults are of what is answered with an error or costs a look into the store. A client that comes back with all the
	// sessions it ever had, or one much newer than the hub, stays below it.
	faults = throttle.Pace{Rate: 10, Burst: 200, Longest: longestRefusal}
)

// charge counts something against a pace of the link, and closes the link when that is too much.
func (c *client) charge(pace throttle.Pace, bucket *throttle.Bucket) {
	c.mu.Lock()
	defer c.mu.Unlock()
	wait := bucket.Take(pace, time.Now())
	if wait == 0 {
		return
	}
	err := protocol.Errorf(protocol.CodeRateLimited, "the link is abused: too many messages that nobody needs")
	err.RetryMS = spread(wait).Milliseconds() + 1
	c.closeLocked(err)
}

func (c *client) chargeChatter() { c.charge(chatter, &c.chatter) }

func (c *client) chargeFault() { c.charge(faults, &c.faults) }
