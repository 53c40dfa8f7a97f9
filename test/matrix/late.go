//go:build linux

package matrix

import (
	"context"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// barrier keeps everything from the device but the server and its own network's router, as if all direct candidates were
// still on their way.
type barrier struct {
	device *natlab.Host
	// up says that it stands; freed is when it went.
	up    bool
	freed time.Time
}

// shut puts a barrier before the device if the conditions want one.
func (s *Stage) shut(ctx context.Context) (*barrier, error) {
	b := &barrier{device: s.rig.Camera}
	if s.conditions.LateMS == 0 {
		return b, nil
	}
	server := s.rig.Server
	allowed := func(end string) string {
		rules := fmt.Sprintf("\t\tip %s { 127.0.0.0/8, 10.0.0.0/8, %s, %s } accept\n", end, server.Addr, server.Second())
		if server.Addr6().IsValid() {
			rules += fmt.Sprintf("\t\tip6 %s { ::1, fe80::/10, %s, %s } accept\n", end, server.Addr6(), server.Second6())
		}
		return rules + "\t\tmeta l4proto { tcp, udp } drop\n"
	}
	err := b.device.Filter(ctx, fmt.Sprintf(`table inet late {
	chain input {
		type filter hook input priority filter
%s	}
	chain output {
		type filter hook output priority filter
%s	}
}`, allowed("saddr"), allowed("daddr")))
	if err != nil {
		return nil, fmt.Errorf("shut the way to the device: %w", err)
	}
	b.up = true
	return b, nil
}

// free takes the barrier away. Freeing twice is harmless.
func (b *barrier) free(ctx context.Context) error {
	if !b.up {
		return nil
	}
	b.up = false
	if err := b.device.Filter(ctx, "delete table inet late"); err != nil {
		return fmt.Errorf("free the way to the device: %w", err)
	}
	b.freed = time.Now()
	return nil
}
