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
	// UsedBytes is what went through the relay this month.
	UsedBytes uint64
	// Terms are those of the project's sessions; the server's own count where they are left open.
	Terms
}

// Exhausted reports whether the budget is used up. Only the direct path is left then.
func (p Plan) Exhausted() bool { return p.BudgetBytes > 0 && p.UsedBytes >= p.BudgetBytes }

// Grant is a relay grant that the relay was not told of.
type Grant struct {
	Project protocol.ProjectID
	// Terms are those of its session's token.
	Terms   Terms
	Expires time.Time
}
