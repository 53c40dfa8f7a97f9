package device

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/link"
	"github.com/sightline-rtc/sightline/protocol"
)

// Config is what an agent can be told. Hub, State and Cameras must be set; every other zero value is a good default.
type Config struct {
	// Hub is the server's URL, http or https.
	Hub string
	// State is the directory of what must survive a restart: the devices' keys and identities above all. It is made if
	// need be.
	State string
	// Cameras are those that the agent serves, one at least. The slice is not changed.
	Cameras []CameraConfig
	// Version is that of the program.
	Version string
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

	// Ready is called once for each camera, when its link is up for the first time, and for one at a time; it may be nil.
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
	c.Cameras = slices.Clone(c.Cameras)
	for n := range c.Cameras {
		if c.Cameras[n].MaxSessions == 0 {
			c.Cameras[n].MaxSessions = protocol.DefaultMaxSessions
		}
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

// maxCameras bounds the cameras of one agent: each has a link, and the media port serves all.
const maxCameras = 64

// check finds what the hub would refuse, or what could only end in surprise.
func (c *Config) check() error {
	switch {
	case c.State == "":
		return errors.New("the state directory must be named")
	case len(c.Cameras) == 0 || len(c.Cameras) > maxCameras:
		return fmt.Errorf("an agent serves 1 to %d cameras, not %d", maxCameras, len(c.Cameras))
	}
	known := map[string]bool{}
	for n := range c.Cameras {
		camera := &c.Cameras[n]
		switch {
		case camera.ID == "" && len(c.Cameras) > 1:
			return errors.New("each of several cameras needs an id")
		case known[camera.ID]:
			return fmt.Errorf("two cameras have the id %s", camera.ID)
		}
		known[camera.ID] = true
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
