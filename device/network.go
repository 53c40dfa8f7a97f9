package device

import (
	"log/slog"
	"sync"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
)

// bulletin tells the hub what is known of the network, after every welcome and when it changes.
type bulletin struct {
	port   *reach.Port
	send   func(protocol.Envelope)
	logger *slog.Logger

	// mu guards what follows, and is held while something is sent: what was sent last is what is true.
	mu   sync.Mutex
	up   bool // there has been a welcome
	last protocol.Network
}

// welcomed tells what is known to a hub that may know nothing.
func (b *bulletin) welcomed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.up, b.last = true, protocol.Network{}
	b.tell()
}

// changed tells what is new.
func (b *bulletin) changed() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.up {
		b.tell()
	}
}

// tell needs mu.
func (b *bulletin) tell() {
	now := b.port.Network()
	if now == b.last {
		return
	}
	b.last = now
	if now != (protocol.Network{}) {
		b.logger.Info("network assessed", "kind", string(nat.KindOf(now)), "mapping", string(now.PortMapping), "ipv6", now.IPv6, "err", string(now.MappingFault))
	}
	b.send(protocol.Must(protocol.TypeNetwork, "", &now))
}
