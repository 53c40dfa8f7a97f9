package record

import "time"

// BudgetEvent is the data of EventBudgetWarning and EventBudgetExhausted. They come once for each budget and period.
type BudgetEvent struct {
	Budget Budget `json:"budget"`
	// Period is the month, YYYY-MM, or for points the number of the grant that filled the purse last.
	Period string `json:"period"`
	// Used and Limit are bytes, minutes or points.
	Used  float64 `json:"used"`
	Limit float64 `json:"limit"`
}

// BudgetEventOf tells of a budget as the plan has it.
func BudgetEventOf(p Plan, b Budget, period string) BudgetEvent {
	used, of := p.Used(b)
	unit := 1.0
	switch b {
	case BudgetRelayMinutes:
		unit = float64(time.Minute)
	case BudgetPoints:
		unit = float64(Point)
	case BudgetRelayBytes:
	}
	return BudgetEvent{Budget: b, Period: period, Used: float64(used) / unit, Limit: float64(of) / unit}
}
