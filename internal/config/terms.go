package config

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxRelayDelay is as long as a viewer tries ICE before it gives up.
	maxRelayDelay = 30 * time.Second
	// maxRelayTime is the longest life of a viewer's token.
	maxRelayTime = 24 * time.Hour
	// maxSTUN is more than helps: two tell what there is to know, and each is asked by every viewer.
	maxSTUN = 4
)

// Terms are those of projects that leave them open.
func (s *Serve) Terms() record.Terms {
	return record.Terms{
		Path: protocol.PathPolicy(s.Path), RelayDelay: record.DelayOf(s.RelayDelay),
		MaxRelay: s.MaxRelayTime, MaxKbps: s.RelayMaxKbps,
	}
}

func checkRelayDelay(d time.Duration) error {
	if d < 0 || d > maxRelayDelay || d%time.Millisecond != 0 {
		return fmt.Errorf("--relay-delay: %v is not a number of milliseconds between 0 and %v", d, maxRelayDelay)
	}
	return nil
}

func checkRelayTime(d time.Duration) error {
	if d < 0 || d > maxRelayTime || d%time.Second != 0 {
		return fmt.Errorf("--max-relay-time: %v is not a number of seconds between 0 and %v", d, maxRelayTime)
	}
	return nil
}

// checkSTUN looks at STUN servers: cameras ask them over UDP (RFC 7064).
func (s *Serve) checkSTUN() error {
	if len(s.STUNURL) > maxSTUN {
		return fmt.Errorf("--stun-url: %d servers are more than %d", len(s.STUNURL), maxSTUN)
	}
	for _, text := range s.STUNURL {
		if !isSTUN(text) {
			return fmt.Errorf("--stun-url: %q is no URL such as stun:stun.example.org:3478", text)
		}
	}
	return nil
}

func isSTUN(text string) bool {
	at, ok := strings.CutPrefix(text, "stun:")
	u, err := url.Parse("//" + at)
	if !ok || err != nil || u.Host != at || u.Hostname() == "" {
		return false
	}
	if u.Port() == "" {
		return !strings.HasSuffix(at, ":")
	}
	port, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && port > 0
}
