package config

import (
	"cmp"
	"fmt"
	"time"
)

// Project has the commands about projects.
type Project struct {
	Create ProjectCreate `cmd:"" help:"Make a project."`
	Set    ProjectSet    `cmd:"" help:"Change what a project may use of the relay. A running server knows in a few seconds."`
	List   ProjectList   `cmd:"" help:"List the projects, with what they have used of the relay this month."`
}

// ProjectCreate makes a project.
type ProjectCreate struct {
	Data
	Project string `help:"The project's identifier: 1 to 64 of a-z, 0-9, - and _." required:"" placeholder:"ID"`
	Name    string `help:"What people call it, if not by its identifier."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// ProjectSet changes what a project may use of the relay. Nil leaves a bound as it is.
type ProjectSet struct {
	Data
	Project      string   `help:"Project to change." default:"default" placeholder:"ID"`
	RelayGB      *float64 `name:"relay-gb" help:"What may go through the relay in a month (UTC), in gigabytes (1000³ bytes). 0: no bound." placeholder:"N"`
	RelayMaxKbps *int     `help:"What may go through the relay for one end of a session in one direction, in kbit/s. 0: the server's --relay-max-kbps." placeholder:"N"`
	JSON         bool     `name:"json" help:"Print JSON."`
}

// ProjectList lists the projects.
type ProjectList struct {
	Data
	JSON bool `name:"json" help:"Print JSON, one object a line."`
}

const (
	// maxRelayGB is an exabyte: bytes that fit the records.
	maxRelayGB = 1e9
	// maxKbps is 100 Gbit/s, more than a machine has.
	maxKbps = 100_000_000
	// maxRelayDrain is longer than anybody wants to wait for a restart.
	maxRelayDrain = 24 * time.Hour
)

// Validate finds bounds that cannot be.
func (p *ProjectSet) Validate() error {
	if p.RelayGB != nil && !(*p.RelayGB >= 0 && *p.RelayGB <= maxRelayGB) {
		return fmt.Errorf("--relay-gb: %v is not between 0 and %.0f", *p.RelayGB, maxRelayGB)
	}
	if p.RelayMaxKbps != nil {
		return checkKbps(*p.RelayMaxKbps)
	}
	return nil
}

func checkKbps(kbps int) error {
	if kbps < 0 || kbps > maxKbps {
		return fmt.Errorf("--relay-max-kbps: %d is not between 0 and %d", kbps, maxKbps)
	}
	return nil
}

// checkRelay looks at the relay's bounds.
func (s *Serve) checkRelay() error {
	if s.RelayDrain < 0 || s.RelayDrain > maxRelayDrain {
		return fmt.Errorf("--relay-drain: %v is not between 0 and %v", s.RelayDrain, maxRelayDrain)
	}
	return cmp.Or(checkKbps(s.RelayMaxKbps), checkRelayDelay(s.RelayDelay), checkRelayTime(s.MaxRelayTime), s.checkSTUN())
}
