package uplink

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// Config is what a link can be told. Hub, Hello and Handler must be set; every other zero value is a good default.
type Config struct {
	// Hub is the server's base URL, http or https.
	Hub *url.URL
	// TLS and Client are those of door.Config.
	TLS    *tls.Config
	Client *http.Client
	// Hello makes what a door is opened with, at the hub's time now; the link adds Resume and Fallback. It may be called
	// by several goroutines.
	Hello func(now time.Time) (*protocol.Hello, error)
	// Handler hears what comes.
	Handler Handler

	// Door is the only door to be used; empty means the policy of docs/protocol.md, "Fallback".
	Door protocol.Transport
	// Probes are the waits before each background try of the WebSocket while the link is on the long poll, the last one
	// again and again; nil means 1, 5 and 15 min.
	Probes []time.Duration
	// NetworkInterval is how often the machine's addresses are looked at; 0 means 3 s, well within the 28 s after which
	// a dead socket is noticed by itself. A negative one means never.
	NetworkInterval time.Duration
	// Network looks at them; nil means LocalNetwork.
	Network func() Network
	// Memory keeps which networks need the long poll; nil means none.
	Memory Memory

	// Link has the timing of the link, as in package link.
	Link link.Config
	// DialTimeout, HelloTimeout and PollTimeout are those of door.Config.
	DialTimeout, HelloTimeout, PollTimeout time.Duration
	// MinBackoff and MaxBackoff bound the wait between attempts to reach the hub; 0 means 0.5 s and 30 s.
	MinBackoff, MaxBackoff time.Duration
	// RefusedBackoff is the wait after the hub has said "not like this"; 0 means 5 min.
	RefusedBackoff time.Duration
	// SteadyAfter is how long a link must have lived for the next attempt to start with the shortest wait, and a WebSocket
	// for its loss not to count against WebSockets; 0 means 30 s.
	SteadyAfter time.Duration

	// Logger gets what a person may want to know; nil means silence.
	Logger *slog.Logger
}

// Handler is who a link is for. Its methods are called one at a time.
type Handler interface {
	// Welcomed is called for every door that carries the link from now on. The handler may Send in it, which is how the
	// state of what was lost is repaired.
	Welcomed(up Up)
	// Handle takes one message: not those of the link itself, and sequenced ones exactly once. The context ends with
	// Run.
	Handle(ctx context.Context, e protocol.Envelope, body protocol.Message)
}

// Up says how the link came up.
type Up struct {
	Welcome *protocol.Welcome
	// Hub is the base URL of the one that the link is on now; a hub that stops may have named another.
	Hub       *url.URL
	Transport protocol.Transport
	// Fallback says why the transport is the long poll; nil when it was wanted.
	Fallback *protocol.Fallback
	// Lost are the sequenced messages of a link that was not resumed which the hub never acknowledged, oldest first.
	Lost []protocol.Envelope
}

// Memory keeps which networks let no WebSocket through. Its methods are called by one goroutine at a time.
type Memory interface {
	// Recall returns why the network needs the long poll; ok is false when nothing is known, or no more.
	Recall(network string) (why protocol.Fallback, ok bool)
	// Keep remembers that it does.
	Keep(network string, why protocol.Fallback)
	// Forget is called when a WebSocket works there.
	Forget(network string)
}

// noMemory remembers nothing.
type noMemory struct{}

func (noMemory) Recall(string) (protocol.Fallback, bool) { return protocol.Fallback{}, false }
func (noMemory) Keep(string, protocol.Fallback)          {}
func (noMemory) Forget(string)                           {}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{
		{&c.NetworkInterval, 3 * time.Second},
		{&c.MinBackoff, 500 * time.Millisecond},
		{&c.MaxBackoff, 30 * time.Second},
		{&c.RefusedBackoff, 5 * time.Minute},
		{&c.SteadyAfter, 30 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if len(c.Probes) == 0 {
		c.Probes = []time.Duration{time.Minute, 5 * time.Minute, 15 * time.Minute}
	}
	if c.Network == nil {
		c.Network = LocalNetwork
	}
	if c.Memory == nil {
		c.Memory = noMemory{}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

func (c *Config) check() error {
	switch {
	case c.Hub == nil || c.Hello == nil || c.Handler == nil:
		return fmt.Errorf("a link needs a hub, a hello and a handler")
	case c.Door != "" && c.Door != protocol.TransportWebSocket && c.Door != protocol.TransportLongPoll:
		return fmt.Errorf("a link goes through a %s or a %s, not a %q", protocol.TransportWebSocket, protocol.TransportLongPoll, c.Door)
	}
	return nil
}

func (c *Config) dialer() *door.Dialer {
	return door.NewDialer(door.Config{
		Hub: c.Hub, TLS: c.TLS, Client: c.Client,
		DialTimeout: c.DialTimeout, HelloTimeout: c.HelloTimeout, PollTimeout: c.PollTimeout,
	})
}
