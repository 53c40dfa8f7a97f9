package portmap

import "time"

// epoch follows a router's clock, which begins anew when the router has lost its mappings. Its zero value has seen
// nothing. It is not safe for concurrent use.
type epoch struct {
	seen   bool
	server uint32
	at     time.Time
}

// restarted notes what a router's clock showed at a moment, in seconds, and reports whether it began anew since the last
// time (RFC 6887 section 8.5). NAT-PMP's rule (RFC 6886 section 3.6) is more lenient; a router that only it would call
// steady costs one renewal.
func (e *epoch) restarted(server uint32, now time.Time) bool {
	before := *e
	*e = epoch{seen: true, server: server, at: now}
	if !before.seen {
		return false
	}
	if int64(server) < int64(before.server)-1 { // a second of answers that came in another order
		return true
	}
	client := int64(now.Sub(before.at) / time.Second)
	passed := int64(server) - int64(before.server)
	return client+2 < passed-passed/16 || passed+2 < client-client/16
}
