//go:build linux

package natlab

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"time"
)

// TownConfig is what stands between the two ends of a town.
type TownConfig struct {
	Device, Viewer Type
	// IPv6 gives everything public IPv6 addresses too. Home routers let nobody in whom nobody spoke to; carriers let pass.
	IPv6 bool
	// Hairpin lets what is behind one endpoint-independent translator speak to itself by the address outside.
	Hairpin bool
	// UDPTimeout is how long translators remember UDP that has been silent; zero leaves Linux's 30 s without an answer and
	// 120 s with one.
	UDPTimeout time.Duration
	// Mapping runs miniupnpd on the device's home router, where it has one that translates and lets UDP pass. Carriers
	// have none: behind one, ports are mapped in vain.
	Mapping bool
	// Protocols are what miniupnpd speaks; zero means all.
	Protocols Protocols
}

// usable says what this machine lacks for such a town.
func (c TownConfig) usable() error {
	if !c.Mapping {
		return nil
	}
	if _, err := exec.LookPath("miniupnpd"); err != nil {
		return errors.New("a town whose router maps ports needs the program miniupnpd, built for nftables")
	}
	return nil
}

func (c TownConfig) check() error {
	if !slices.Contains(AllTypes, c.Device) {
		return fmt.Errorf("a device cannot be behind %q", c.Device)
	}
	switch {
	case c.Viewer == SameLAN:
	case c.Viewer == SameCarrier:
		if carriers[c.Device] == "" {
			return fmt.Errorf("a viewer shares the carrier of a device that has none: %q", c.Device)
		}
	default:
		if !slices.Contains(AllTypes, c.Viewer) {
			return fmt.Errorf("a viewer cannot be behind %q", c.Viewer)
		}
	}
	return nil
}
