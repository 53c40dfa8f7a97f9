package record

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Plan is how a project's sessions may go, what it may use of the relay, and what it has used this month. The zero value
// bounds nothing.
type Plan struct {
	Project protocol.ProjectID
	// BudgetBytes bounds the payload that goes through the relay in a month (UTC), both directions of all allocations
	// together; 0 means that nothing does.
	BudgetBytes uint64
	// UsedBytes is what went through the relay this month, HeldBytes what allocations may carry next.
	UsedBytes, HeldBytes uint64
	// BudgetTime bounds the time that sessions go through the relay in a month, all of them together; 0 means that nothing
	// does. UsedTime is what went by this month.
	BudgetTime, UsedTime time.Duration
	// MaxSessions bounds the sessions that are open at once; 0 means that nothing does.
	MaxSessions int
	// Purse is what the project has of points.
	Purse Purse
	// Spent says that the last of a budget could not be reserved, for this month or until more points are there.
	Spent bool
	// Terms are those of the project's sessions; the server's own count where they are left open.
	Terms
}

// Purse is what a project has of points, if it pays with them.
type Purse struct {
	// Prepaid says that the relay is paid with points, and not there without them.
	Prepaid bool
	// Balance is what is there, Held the part of it that is reserved, Filled what was there after the last grant.
	Balance, Held, Filled Points
}

// Budget names one of a project's budgets.
type Budget string

// The budgets that are used up little by little.
const (
	BudgetRelayBytes   Budget = "relay_bytes"
	BudgetRelayMinutes Budget = "relay_minutes"
	BudgetPoints       Budget = "points"
)

// Budgets lists them.
var Budgets = []Budget{BudgetRelayBytes, BudgetRelayMinutes, BudgetPoints}

// LowShare is the part of a budget, in percent, from which on its project is warned and its sessions go through the relay at
// a lower rate.
const LowShare = 80

// Used returns how much of a budget is used, of how much, in its own unit; of is 0 where there is no such budget.
func (p Plan) Used(b Budget) (used, of uint64) {
	switch b {
	case BudgetRelayBytes:
		return p.UsedBytes, p.BudgetBytes
	case BudgetRelayMinutes:
		return uint64(p.UsedTime), uint64(p.BudgetTime) //nolint:gosec // they are positive
	case BudgetPoints:
		if p.Purse.Prepaid {
			filled := max(p.Purse.Filled, p.Purse.Balance, 1) // none at all are used up
			return uint64(filled - p.Purse.Balance), uint64(filled)
		}
	}
	return 0, 0
}

// Bounded reports whether the relay is only there as long as a budget lasts.
func (p Plan) Bounded() bool { return p.BudgetBytes > 0 || p.BudgetTime > 0 || p.Purse.Prepaid }

// Exhausted reports whether a budget is used up. Only the direct path is left then.
func (p Plan) Exhausted() bool { return len(p.UsedUp()) > 0 || p.Bounded() && p.Spent }

// UsedUp lists the budgets of which nothing is left. There may be none although the last of one was spent: what others have
// reserved of it may come back.
func (p Plan) UsedUp() (budgets []Budget) {
	for _, b := range Budgets {
		if used, of := p.Used(b); of > 0 && used >= of {
			budgets = append(budgets, b)
		}
	}
	return budgets
}

// Low reports whether a budget is used to LowShare or more.
func (p Plan) Low() bool {
	for _, b := range Budgets {
		if used, of := p.Used(b); IsLow(used, of) {
			return true
		}
	}
	return false
}

// IsLow reports whether so much of a budget is used that it is low; there is none where it is 0.
func IsLow(used, of uint64) bool {
	return of > 0 && float64(used) >= float64(of)*LowShare/100
}

// ProjectChange is what an operator changes of a project; nil leaves a part as it is.
type ProjectChange struct {
	Name *string
	// Path replaces all terms but MaxKbps: those that it leaves open are the server's then.
	Path *Terms
	// MaxKbps is 0 for the server's bound.
	MaxKbps *int
}

// BudgetChange is what becomes of a project's budgets; nil leaves a part as it is, 0 takes a bound away.
type BudgetChange struct {
	// Bytes and Time are of a month, Sessions at once.
	Bytes    *uint64
	Time     *time.Duration
	Sessions *int
	// Prepaid says whether the relay is paid with points.
	Prepaid *bool
}

// Grant is a relay grant that the relay was not told of.
type Grant struct {
	Project protocol.ProjectID
	// Terms are those of its session's token.
	Terms   Terms
	Expires time.Time
}
