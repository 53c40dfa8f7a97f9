package config

import (
	"cmp"
	"fmt"
	"math"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// Project has the commands about projects.
type Project struct {
	Create ProjectCreate `cmd:"" help:"Make a project."`
	Set    ProjectSet    `cmd:"" help:"Change how a project's sessions may go and what it may use of the relay. A running server knows in a few seconds."`
	Points ProjectPoints `cmd:"" help:"Points with which a project pays the relay."`
	List   ProjectList   `cmd:"" help:"List the projects, with what they have used of the relay this month."`
}

// ProjectCreate makes a project.
type ProjectCreate struct {
	Data
	Project string `help:"The project's identifier: 1 to 64 of a-z, 0-9, - and _." required:"" placeholder:"ID"`
	Name    string `help:"What people call it, if not by its identifier."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// ProjectSet changes how a project's sessions may go and what it may use of the relay. What is left out stays as it is.
type ProjectSet struct {
	Data
	Project      string   `help:"Project to change." default:"default" placeholder:"ID"`
	RelayGB      *float64 `name:"relay-gb" help:"What may go through the relay in a month (UTC), in gigabytes (1000³ bytes). 0: no bound." placeholder:"N"`
	RelayMinutes *float64 `help:"How long sessions may go through the relay in a month (UTC), all together, in minutes. 0: no bound." placeholder:"N"`
	MaxSessions  *int     `help:"Sessions that may be open at once. 0: no bound." placeholder:"N"`
	Prepaid      string   `help:"Whether the relay is paid with points, and not there without them: yes or no. Points that are added mean yes." enum:"yes,no," default:"" placeholder:"ANSWER"`
	RelayMaxKbps *int     `aliases:"max-kbps" help:"What may go through the relay for one end of a session in one direction, in kbit/s. 0: the server's --relay-max-kbps." placeholder:"N"`

	Path         string         `help:"How sessions may go: direct_only and relay_only bind every token, prefer_direct leaves it to tokens. server: as the server's --path says." enum:"prefer_direct,direct_only,relay_only,server," default:"" placeholder:"PATH"`
	RelayDelay   *Delay         `help:"How long a viewer tries without the relay first. 0s: it does not; server: the server's --relay-delay." placeholder:"DURATION"`
	MaxRelayTime *time.Duration `help:"How long a session may go through the relay, in whole seconds. 0s: the server's --max-relay-time." placeholder:"DURATION"`
	RelayHD      string         `name:"relay-hd" help:"Whether a camera's best rendition may go over the relay, where it has a smaller one: yes, which tokens may narrow, or no. server: as the server's --relay-hd says." enum:"yes,no,server," default:"" placeholder:"ANSWER"`

	JSON bool `name:"json" help:"Print JSON."`
}

// ProjectPoints has the commands about points.
type ProjectPoints struct {
	Add PointsAdd `cmd:"" help:"Give a project points, or take some back with a negative number. From then on it pays the relay with them."`
}

// PointsAdd gives a project points.
type PointsAdd struct {
	Data
	Project   string  `help:"Project that gets them." default:"default" placeholder:"ID"`
	Points    float64 `help:"How many; a millionth counts." required:"" placeholder:"N"`
	Reference string  `help:"Name of this grant, such as an invoice: repeating it changes nothing." placeholder:"TEXT"`
	Note      string  `help:"What the ledger says about it." placeholder:"TEXT"`
	JSON      bool    `name:"json" help:"Print JSON."`
}

// Validate finds what no project can have.
func (p *PointsAdd) Validate() error {
	if !(math.Abs(p.Points) <= maxProjectPoints) {
		return fmt.Errorf("--points: %v is not between -%.0f and %.0f", p.Points, maxProjectPoints, maxProjectPoints)
	}
	return nil
}

// ProjectList lists the projects.
type ProjectList struct {
	Data
	JSON bool `name:"json" help:"Print JSON, one object a line."`
}

const (
	// maxRelayGB is an exabyte: bytes that fit the records.
	maxRelayGB = 1e9
	// maxRelayMinutes is two and a half centuries, maxProjectSessions more than a server has, maxProjectPoints what a
	// project can have.
	maxRelayMinutes    = 250 * 8766 * 60
	maxProjectSessions = 1_000_000_000
	maxProjectPoints   = 1e9
	// maxRelayDrain is longer than anybody wants to wait for a restart.
	maxRelayDrain = 24 * time.Hour
)

// Validate finds bounds that cannot be.
func (p *ProjectSet) Validate() error {
	if p.RelayGB != nil && !(*p.RelayGB >= 0 && *p.RelayGB <= maxRelayGB) {
		return fmt.Errorf("--relay-gb: %v is not between 0 and %.0f", *p.RelayGB, maxRelayGB)
	}
	if p.RelayMinutes != nil && !(*p.RelayMinutes >= 0 && *p.RelayMinutes <= maxRelayMinutes) {
		return fmt.Errorf("--relay-minutes: %v is not between 0 and %d", *p.RelayMinutes, maxRelayMinutes)
	}
	if p.MaxSessions != nil && (*p.MaxSessions < 0 || *p.MaxSessions > maxProjectSessions) {
		return fmt.Errorf("--max-sessions: %d is not between 0 and %d", *p.MaxSessions, maxProjectSessions)
	}
	return p.checkTerms()
}

// BudgetTime is what --relay-minutes says; nil where it says nothing.
func (p *ProjectSet) BudgetTime() *time.Duration {
	if p.RelayMinutes == nil {
		return nil
	}
	d := time.Duration(*p.RelayMinutes * float64(time.Minute)).Truncate(time.Millisecond)
	return &d
}

// IsPrepaid is what --prepaid says; nil where it says nothing.
func (p *ProjectSet) IsPrepaid() *bool { return record.Answer(p.Prepaid).Bool() }

// checkRelay looks at the relay's bounds.
func (s *Serve) checkRelay() error {
	if s.RelayDrain < 0 || s.RelayDrain > maxRelayDrain {
		return fmt.Errorf("--relay-drain: %v is not between 0 and %v", s.RelayDrain, maxRelayDrain)
	}
	return cmp.Or(checkKbps("--relay-max-kbps", s.RelayMaxKbps), checkRelayDelay(s.RelayDelay), checkRelayTime(s.MaxRelayTime), s.checkSTUN(), s.checkPrice(), s.checkTariff())
}
