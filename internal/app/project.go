package app

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"math"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// bytesPerGB is that of bills and disks, not of memory.
const bytesPerGB = 1e9

// CreateProject makes a project and prints it.
func CreateProject(ctx context.Context, c config.ProjectCreate, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		p, err := s.CreateProject(ctx, protocol.ProjectID(c.Project), c.Name)
		if err != nil {
			return err
		}
		return showPlan(out, c.JSON, record.Plan{Project: p.ID})
	})
}

// SetProject changes how a project's sessions may go and what it may use of the relay, and prints it.
func SetProject(ctx context.Context, c config.ProjectSet, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		var budget *uint64
		if c.RelayGB != nil {
			bytes := uint64(math.Round(*c.RelayGB * bytesPerGB))
			budget = &bytes
		}
		id := protocol.ProjectID(c.Project)
		change := store.PlanChange{
			BudgetBytes: budget, BudgetTime: c.BudgetTime(), MaxSessions: c.MaxSessions, Prepaid: c.IsPrepaid(), MaxKbps: c.RelayMaxKbps,
			Path: c.PathPolicy(), RelayDelay: (*record.Delay)(c.RelayDelay), MaxRelay: c.MaxRelayTime, RelayHD: c.HD(),
		}
		if err := s.SetPlan(ctx, id, change); err != nil {
			return err
		}
		plan, err := s.Plan(ctx, id)
		if err != nil {
			return err
		}
		return showPlan(out, c.JSON, plan)
	})
}

// ListProjects prints all projects, one a line.
func ListProjects(ctx context.Context, c config.ProjectList, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		plans, err := s.Plans(ctx)
		if err != nil {
			return err
		}
		for _, plan := range plans {
			if err := showPlan(out, c.JSON, plan); err != nil {
				return err
			}
		}
		return nil
	})
}

// projectLine is what the commands print of a project.
type projectLine struct {
	Project     protocol.ProjectID `json:"project"`
	BudgetBytes uint64             `json:"relay_budget_bytes"`
	UsedBytes   uint64             `json:"relay_used_bytes"`
	Exhausted   bool               `json:"relay_exhausted"`
	MaxKbps     int                `json:"relay_max_kbps"`
	// What follows is absent where it is 0, points where the project does not pay with them, the rest where the server's own
	// setting counts.
	Low           bool        `json:"relay_low,omitzero"`
	BudgetMinutes float64     `json:"relay_budget_minutes,omitzero"`
	UsedMinutes   float64     `json:"relay_used_minutes,omitzero"`
	MaxSessions   int         `json:"max_sessions,omitzero"`
	Points        *pointsLine `json:"points,omitempty"`

	Path         protocol.PathPolicy `json:"path,omitempty"`
	RelayDelayMS *int64              `json:"relay_delay_ms,omitempty"`
	MaxRelayS    int64               `json:"max_relay_s,omitempty"`
	RelayHD      *bool               `json:"relay_hd,omitempty"`
}

// pointsLine is what the commands print of a project's points.
type pointsLine struct {
	Balance  float64 `json:"balance"`
	Reserved float64 `json:"reserved"`
}

// plainBudgets says in words what a plan bounds besides bytes.
func plainBudgets(p record.Plan) (plain string) {
	if p.BudgetTime > 0 {
		plain += fmt.Sprintf(", %.1f of %.1f minutes", p.UsedTime.Minutes(), p.BudgetTime.Minutes())
	}
	if w := p.Purse; w.Prepaid {
		plain += fmt.Sprintf(", %.3f points, %.3f of them reserved", w.Balance.Float(), w.Held.Float())
	}
	if p.MaxSessions > 0 {
		plain += fmt.Sprintf(", %d sessions at once", p.MaxSessions)
	}
	return plain
}

func showPlan(out io.Writer, asJSON bool, p record.Plan) error {
	plain := fmt.Sprintf("%s: %.3f GB through the relay this month", p.Project, float64(p.UsedBytes)/bytesPerGB)
	if p.BudgetBytes > 0 {
		plain += fmt.Sprintf(" of %.3f GB", float64(p.BudgetBytes)/bytesPerGB)
	}
	plain += plainBudgets(p)
	if p.MaxKbps > 0 {
		plain += fmt.Sprintf(", %d kbit/s each way", p.MaxKbps)
	}
	if p.Path != "" {
		plain += ", " + string(p.Path)
	}
	if p.RelayDelay.Given {
		plain += fmt.Sprintf(", relays after %v", p.RelayDelay.Duration)
	}
	if p.MaxRelay > 0 {
		plain += fmt.Sprintf(", %v on the relay", p.MaxRelay)
	}
	switch p.RelayHD {
	case record.Yes:
		plain += ", the best rendition on the relay"
	case record.No:
		plain += ", the smaller rendition on the relay"
	}
	terms := p.Plain()
	var points *pointsLine
	if w := p.Purse; w.Prepaid {
		points = &pointsLine{Balance: w.Balance.Float(), Reserved: w.Held.Float()}
	}
	return show(out, asJSON, projectLine{
		Low: p.Low(), BudgetMinutes: p.BudgetTime.Minutes(), UsedMinutes: p.UsedTime.Minutes(), MaxSessions: p.MaxSessions, Points: points,
		Project: p.Project, BudgetBytes: p.BudgetBytes, UsedBytes: p.UsedBytes, Exhausted: p.Exhausted(), MaxKbps: p.MaxKbps,
		Path: terms.Path, RelayDelayMS: terms.RelayDelayMS, MaxRelayS: terms.MaxRelayS, RelayHD: terms.RelayHD,
	}, plain)
}

// AddPoints gives a project points and prints what it has.
func AddPoints(ctx context.Context, c config.PointsAdd, out io.Writer, logger *slog.Logger) error {
	return withStore(ctx, c.Data, logger, func(s *store.Store) error {
		id := protocol.ProjectID(c.Project)
		if _, err := s.AddPoints(ctx, id, record.PointsOf(c.Points), c.Reference, c.Note); err != nil {
			return err
		}
		plan, err := s.Plan(ctx, id)
		if err != nil {
			return err
		}
		return showPlan(out, c.JSON, plan)
	})
}
