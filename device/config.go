package device

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// Config is what an agent can be told. Hub and State must be set; every other zero value is a good default.
type Config struct {
	// Hub is the server's URL, http or https.
	Hub string
	// Enrol is the one-time code with which the device joins its project. It is not looked at once the device has.
	Enrol auth.Secret
	// State is the directory of the device's key and identity. It is made if need be.
	State string
	// Source says where the picture comes from, as in device/source; empty means the test picture.
	Source string
	// Sub says where a smaller picture of the same scene comes from; empty means that there is none.
	Sub string
	// Warm keeps the sources open without viewers.
	Warm bool
	// Name and Model say what the device is, when it enrols.
	Name, Model string
	// Version is that of the program.
	Version string
	// MaxSessions is how many viewers the device serves at once; 0 means protocol.DefaultMaxSessions.
	MaxSessions int
	// Media says how media is sent, Reach by which port.
	Media peer.Config
	Reach reach.Config
	// NoPortMapping keeps the device from asking routers for ports.
	NoPortMapping bool
	// TLS is for hubs with a certificate of their own authority; nil means the system's authorities.
	TLS *tls.Config

	// Link has the timing of the link, as in package link.
	Link link.Config
	// MinBackoff and MaxBackoff bound the wait between attempts to reach the hub; 0 means 0.5 s and 30 s.
	MinBackoff, MaxBackoff time.Duration
	// RefusedBackoff is the wait after the hub has said "not like this"; 0 means 5 min.
	RefusedBackoff time.Duration
	// DialTimeout bounds the way to an open socket, or to the answer of a request; 0 means 10 s. HelloTimeout bounds the
	// wait for the welcome after it; 0 means protocol.HelloTimeout.
	DialTimeout, HelloTimeout time.Duration
	// Door is the only door to the hub that is used; empty means the WebSocket, and the long poll where no WebSocket gets
	// through. Probes and NetworkInterval are those of uplink.Config.
	Door            protocol.Transport
	Probes          []time.Duration
	NetworkInterval time.Duration

	// Ready is called once, when the link is up for the first time; it may be nil.
	Ready func(protocol.DeviceID)
	// Logger gets what a person may want to know; nil means silence.
	Logger *slog.Logger
}

func (c Config) withDefaults() Config {
	for _, d := range []struct {
		value *time.Duration
		zero  time.Duration
	}{
		{&c.MinBackoff, 500 * time.Millisecond},
		{&c.MaxBackoff, 30 * time.Second},
		{&c.RefusedBackoff, 5 * time.Minute},
		{&c.DialTimeout, 10 * time.Second},
	} {
		if *d.value == 0 {
			*d.value = d.zero
		}
	}
	if c.MaxSessions == 0 {
		c.MaxSessions = protocol.DefaultMaxSessions
	}
	if c.Ready == nil {
		c.Ready = func(protocol.DeviceID) {}
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	c.Media.Logger, c.Reach.Logger = c.Logger, c.Logger
	if c.Reach.Place == nil {
		c.Reach.Place = func() string { return uplink.LocalNetwork().Place }
	}
	return c
}

// maxSessions is the most that a hello may say.
const maxSessions = 1000

// check finds what the hub would refuse, or what could only end in surprise.
func (c *Config) check() error {
	switch {
	case c.State == "":
		return errors.New("the state directory must be named")
	case c.MaxSessions < 1 || c.MaxSessions > maxSessions:
		return fmt.Errorf("a device serves 1 to %d viewers at once, not %d", maxSessions, c.MaxSessions)
	case len(c.Name) > protocol.MaxNameBytes || len(c.Model) > protocol.MaxNameBytes:
		return fmt.Errorf("the name and the model have at most %d bytes", protocol.MaxNameBytes)
	}
	return nil
}

// parseHub returns the hub's base URL.
func parseHub(hub string) (*url.URL, error) {
	u, err := url.Parse(hub)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("the hub must be a URL such as https://cameras.example.org, not %q", hub)
	}
	if u.Path == "/" {
		u.Path = ""
	}
	return &url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}, nil
}
