package portmap

import (
	"log/slog"
	"net/netip"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Config is how a Mapper works. Every zero value is a good default.
type Config struct {
	// Gateway says which IPv4 router to ask; nil means the default gateway of the system, which is known on Linux only.
	Gateway func() (netip.Addr, bool)
	// Seed is what the nonces of PCP are made from (RFC 6887 section 11.2), a secret of the device: one that lost its
	// power recovers its mappings with the same seed, while with another one the router refuses it until they have
	// expired. Empty means a random one.
	Seed []byte

	// Lifetime is how long a mapping shall last unless it is renewed; 0 means 1 h, which WANIPConnection:2 section
	// 2.5.16 recommends, and which is within what RFC 6886 and RFC 6887 do.
	Lifetime time.Duration
	// Check is the time between two looks whether the router still knows the mapping; 0 means 1 min.
	Check time.Duration
	// MinRetry and MaxRetry bound the wait after no router gave a mapping, which doubles from one to the other; 0 means
	// 5 s, so that a router that restarts is asked several times while it does, and 10 min.
	MinRetry, MaxRetry time.Duration
	// Removal bounds the time that removing the mapping takes at the end; 0 means 1 s.
	Removal time.Duration

	// Logger is told what a person may want to know; nil means silence.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{
		{&c.Lifetime, time.Hour},
		{&c.Check, time.Minute},
		{&c.MinRetry, 5 * time.Second},
		{&c.MaxRetry, 10 * time.Minute},
		{&c.Removal, time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.Gateway == nil {
		c.Gateway = systemGateway
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Request is what a router is asked for.
type Request struct {
	// UDP and TCP are the ports of the device; 0 asks for none. Outside they become the same, or others if those are
	// taken.
	UDP, TCP uint16
	// ExternalTCP is the port outside that is tried first for TCP, such as 443, which the strictest firewalls of viewers
	// let pass; 0 means TCP itself.
	ExternalTCP uint16
}

// Mapping is what a router maps to the device. The zero value is none.
type Mapping struct {
	// Protocol is what the router was asked by.
	Protocol protocol.PortMapping
	// UDP and TCP are the addresses outside, of one machine; the zero value means that there is none.
	UDP, TCP netip.AddrPort
	// Gateway is the router's address inside.
	Gateway netip.Addr
	// Expires is when the first of the two ends unless it is renewed; the zero value means never.
	Expires time.Time
}
