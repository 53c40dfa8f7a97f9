package reach

import (
	"context"
	"log/slog"
	"net"
	"net/netip"
	"time"
)

// Config is what a Port can be told. Its zero value is good.
type Config struct {
	// Listen is the address of the media port, for IPv4 and IPv6 when its host is empty. Empty means ":0": any free port.
	Listen string
	// UDPOnly has no TCP listener.
	UDPOnly bool
	// Preferred is the port that is taken when Listen has none, if it is free; 0 means none.
	Preferred uint16
	// Socket is used instead of a socket on Listen: for networks that are not the kernel's.
	Socket net.PacketConn
	// Servers are the URLs of STUN servers that are asked before those of SetServers.
	Servers []string
	// Every is the least time between two questions to a STUN server, and a quarter more is the most; 0 means 15 s, so that
	// no NAT forgets the port: RFC 4787 (requirement 5) asks for two minutes at least, many give 30 s, and some 20 s.
	Every time.Duration
	// Probe opens a throw-away socket like Socket; nil opens one of the kernel's.
	Probe func() (net.PacketConn, error)
	// Resolve looks up the addresses of a host, "ip4" or "ip6"; nil asks the system.
	Resolve func(ctx context.Context, network, host string) ([]netip.Addr, error)
	// Mapper asks the router for ports; nil means that the device was told not to.
	Mapper mapper
	// Place names where the machine is: when it changes, all that was learned is void. nil means that it never does.
	Place func() string
	// Logger gets what a person may want to know; nil means silence.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	if c.Listen == "" {
		c.Listen = ":0"
	}
	if c.Every == 0 {
		c.Every = 15 * time.Second
	}
	if c.Resolve == nil {
		c.Resolve = net.DefaultResolver.LookupNetIP
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}
