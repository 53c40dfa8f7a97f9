package auth

import (
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// replayWindow is the longest time that a device token can be accepted for: its life, begun clockLeeway ahead.
const replayWindow = protocol.DeviceTokenLife + clockLeeway

// maxReplayIDs bounds the tokens remembered per window: several times the ten thousand cameras that a restarted hub
// may see in its first minute, in about 20 MB at the very most.
const maxReplayIDs = 1 << 16

// ReplayGuard remembers which device tokens were used, for as long as they could be used again. The zero value is
// ready. It is safe for concurrent use.
type ReplayGuard struct {
	// mu guards everything below.
	mu sync.Mutex
	// current and previous hold tokens in two windows: one that was used is in either until it has expired.
	current, previous map[replayID]struct{}
	began             time.Time
}

type replayID struct {
	device protocol.DeviceID
	token  string
}

// Use marks a verified token as used. It fails with CodeBadToken when it was used before, and with CodeRateLimited
// when more tokens come than the guard can remember.
func (g *ReplayGuard) Use(t DeviceToken, now time.Time) error {
	id := replayID{t.Device, t.ID}
	g.mu.Lock()
	defer g.mu.Unlock()
	if age := now.Sub(g.began); age >= replayWindow || g.current == nil {
		g.previous = g.current
		if age >= 2*replayWindow {
			g.previous = nil
		}
		g.current, g.began = make(map[replayID]struct{}), now
	}
	_, inCurrent := g.current[id]
	_, inPrevious := g.previous[id]
	if inCurrent || inPrevious {
		return protocol.Errorf(protocol.CodeBadToken, "the device token was used before")
	}
	if len(g.current) >= maxReplayIDs {
		refusal := protocol.Errorf(protocol.CodeRateLimited, "too many devices connect at once")
		refusal.RetryMS = (replayWindow - now.Sub(g.began)).Milliseconds()
		return refusal
	}
	g.current[id] = struct{}{}
	return nil
}
