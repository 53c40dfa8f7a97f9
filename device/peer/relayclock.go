package peer

import "time"

// relayClock bounds the time that a session's media spends on relays.
type relayClock struct {
	// most is the bound; 0 means none.
	most time.Duration
	// spent is the time of the earlier stays, since when the present one began; zero means that there is none.
	spent time.Duration
	since time.Time
}

// move notes which kind of path media takes from now on.
func (c *relayClock) move(relay bool, now time.Time) {
	switch {
	case relay && c.since.IsZero():
		c.since = now
	case !relay && !c.since.IsZero():
		c.spent += now.Sub(c.since)
		c.since = time.Time{}
	}
}

// end returns when the bound is reached; zero means never.
func (c *relayClock) end() time.Time {
	if c.most == 0 || c.since.IsZero() {
		return time.Time{}
	}
	return c.since.Add(c.most - c.spent)
}
