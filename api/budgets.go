package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Budgets are what a project may use, and has used.
type Budgets struct {
	Period       string         `json:"period" doc:"The month (UTC) that monthly budgets are of, YYYY-MM"`
	RelayBytes   Budget         `json:"relay_bytes" doc:"What goes through the relay in a month, as payload of both directions"`
	RelayMinutes Budget         `json:"relay_minutes" doc:"How long sessions go through the relay in a month, all together"`
	Sessions     SessionsBudget `json:"sessions"`
	Points       *PointsBudget  `json:"points,omitempty" doc:"What the relay is paid with; absent where the project does not pay with points"`
	Low          bool           `json:"low" doc:"80 % of a budget are used: sessions go through the relay at a lower rate"`
	Exhausted    bool           `json:"exhausted" doc:"A budget is used up: sessions have the direct path only, relayed ones end with the reason quota"`
}

// Budget is one that begins anew each month.
type Budget struct {
	Limit    *float64 `json:"limit,omitempty" doc:"Absent: no bound"`
	Used     float64  `json:"used" doc:"Up to some 10 s ago"`
	Reserved float64  `json:"reserved" doc:"For what allocations carry next; it comes back where they do not"`
}

// SessionsBudget bounds the sessions that are open at once.
type SessionsBudget struct {
	Limit *int `json:"limit,omitempty" doc:"Absent: no bound"`
}

// PointsBudget is what a project has of points.
type PointsBudget struct {
	Balance  float64 `json:"balance"`
	Reserved float64 `json:"reserved" doc:"The part of the balance that is held for what sessions use next; it comes back where they do not"`
	Filled   float64 `json:"filled" doc:"The balance after the last points were added; low is a fifth of it"`
}

// Entry is a line of a project's points ledger.
type Entry struct {
	Seq        uint64             `json:"seq" doc:"Counts the project's entries from 1, without a gap"`
	Kind       record.EntryKind   `json:"kind" enum:"grant,correction,reserve,settle,release,refund"`
	At         time.Time          `json:"at"`
	Amount     float64            `json:"amount" doc:"Points that it adds to the balance, or takes"`
	Balance    float64            `json:"balance" doc:"The sum of all amounts up to it"`
	Reserved   float64            `json:"reserved" doc:"Points that it adds to what is reserved, or takes"`
	Absorbed   float64            `json:"absorbed,omitzero" doc:"Points that the use cost and that nobody pays, because there were none left"`
	Bytes      uint64             `json:"bytes,omitzero" doc:"What went through the relay"`
	Minutes    float64            `json:"minutes,omitzero" doc:"How long"`
	Session    protocol.SessionID `json:"session,omitempty"`
	Allocation string             `json:"allocation,omitempty" doc:"The relay's allocation; absent for the time of a session"`
	Reference  string             `json:"reference,omitempty" doc:"As it was given; of a refund: what it refunds"`
	Note       string             `json:"note,omitempty"`
}

type (
	budgetsInput struct {
		Project protocol.ProjectID `path:"project" maxLength:"64"`
	}
	budgetsOutput struct {
		ETag string `header:"ETag" doc:"Of the limits, and whether points are paid; what was used is no part of it"`
		Body Budgets
	}
	changeBudgetsInput struct {
		Project protocol.ProjectID `path:"project" maxLength:"64"`
		Precondition
		Body struct {
			RelayBytes   *uint64  `json:"relay_bytes,omitempty" maximum:"1e18" doc:"In a month; 0: no bound"`
			RelayMinutes *float64 `json:"relay_minutes,omitempty" minimum:"0" maximum:"131490000" doc:"In a month; 0: no bound"`
			Sessions     *int     `json:"sessions,omitempty" minimum:"0" maximum:"1000000000" doc:"At once; 0: no bound"`
			Prepaid      *bool    `json:"prepaid,omitempty" doc:"Whether the relay is paid with points, and not there without them"`
		}
	}
	addPointsInput struct {
		Project protocol.ProjectID `path:"project" maxLength:"64"`
		Body    struct {
			Points    float64 `json:"points" minimum:"-1e9" maximum:"1e9" doc:"How many to add, to a millionth; a negative number takes some back that are neither used nor reserved"`
			Reference string  `json:"reference,omitempty" maxLength:"128" doc:"A name of this grant, such as an invoice: with it, repeating the request changes nothing for ever"`
			Note      string  `json:"note,omitempty" maxLength:"128" doc:"What the ledger says about it"`
		}
	}
	entryOutput struct {
		Body Entry
	}
	ledgerInput struct {
		Page
		Session protocol.SessionID `query:"session" maxLength:"64" doc:"Only entries of this session"`
		Kind    record.EntryKind   `query:"kind" enum:"grant,correction,reserve,settle,release,refund" doc:"Only entries of this kind"`
	}
	ledgerOutput struct {
		Body struct {
			Entries    []Entry `json:"entries" nullable:"false"`
			NextCursor string  `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addBudgets() {
	add(a, huma.Operation{
		OperationID: "get-budgets", Method: http.MethodGet, Path: "/v1/budgets", Tags: []string{"budgets"},
		Summary: "Get what the project may use of the relay, and has used",
	}, func(ctx context.Context, _ *struct{}) (*budgetsOutput, error) {
		return a.budgets(ctx, keyOf(ctx).Project)
	})
	add(a, huma.Operation{
		OperationID: "list-ledger", Method: http.MethodGet, Path: "/v1/ledger", Tags: []string{"budgets"},
		Summary:     "List the entries of the project's ledger, the newest first",
		Description: "They are never changed and never deleted. The sum of their amounts is the balance.",
	}, a.listLedger)
	add(a, huma.Operation{
		OperationID: "get-project-budgets", Method: http.MethodGet, Path: "/v1/projects/{project}/budgets", Tags: []string{"projects"},
		Summary: "Get what any project may use of the relay, as an operator",
	}, func(ctx context.Context, in *budgetsInput) (*budgetsOutput, error) { return a.budgets(ctx, in.Project) })
	add(a, huma.Operation{
		OperationID: "change-project-budgets", Method: http.MethodPatch, Path: "/v1/projects/{project}/budgets", Tags: []string{"projects"},
		Summary:     "Change what a project may use of the relay, as an operator",
		Description: "What is absent stays as it is. A server knows it in a few seconds.",
	}, a.changeBudgets)
	add(a, huma.Operation{
		OperationID: "add-project-points", Method: http.MethodPost, Path: "/v1/projects/{project}/points", Tags: []string{"projects"},
		Summary:     "Give a project points, as an operator",
		Description: "From then on it pays the relay with points.", DefaultStatus: http.StatusCreated,
	}, a.addPoints)
}

func (a *API) budgets(ctx context.Context, id protocol.ProjectID) (*budgetsOutput, error) {
	plan, err := a.config.Projects.Plan(ctx, id)
	if err != nil {
		return nil, err
	}
	return a.shownBudgets(plan), nil
}

func (a *API) shownBudgets(p record.Plan) *budgetsOutput {
	return &budgetsOutput{ETag: budgetsTag(p), Body: budgetsOf(p, a.config.Now())}
}

func budgetsTag(p record.Plan) string {
	return etagOf(p.Project, p.BudgetBytes, p.BudgetTime, p.MaxSessions, p.Purse.Prepaid)
}

func (a *API) changeBudgets(ctx context.Context, in *changeBudgetsInput) (*budgetsOutput, error) {
	change := record.BudgetChange{Bytes: in.Body.RelayBytes, Sessions: in.Body.Sessions, Prepaid: in.Body.Prepaid}
	if m := in.Body.RelayMinutes; m != nil {
		d := time.Duration(*m * float64(time.Minute)).Truncate(time.Millisecond)
		change.Time = &d
	}
	plan, err := a.config.Budgets.ChangeBudgets(ctx, in.Project, func(known record.Plan) (record.BudgetChange, error) {
		return change, in.check(budgetsTag(known))
	})
	if err != nil {
		return nil, err
	}
	a.log.Info("budgets changed", "project", in.Project)
	return a.shownBudgets(plan), nil
}

func (a *API) addPoints(ctx context.Context, in *addPointsInput) (*entryOutput, error) {
	e, err := a.config.Budgets.AddPoints(ctx, in.Project, record.PointsOf(in.Body.Points), in.Body.Reference, in.Body.Note)
	if err != nil {
		return nil, err
	}
	a.log.Info("points added", "project", in.Project, "points", in.Body.Points)
	return &entryOutput{Body: entryOf(e)}, nil
}

func (a *API) listLedger(ctx context.Context, in *ledgerInput) (*ledgerOutput, error) {
	filter := record.EntryFilter{Session: in.Session, Kind: in.Kind}
	list, next, err := a.config.Budgets.Entries(ctx, keyOf(ctx).Project, filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &ledgerOutput{}
	out.Body.Entries, out.Body.NextCursor = each(list, entryOf), next
	return out, nil
}

func budgetsOf(p record.Plan, now time.Time) Budgets {
	b := Budgets{
		Period:       now.UTC().Format("2006-01"),
		RelayBytes:   Budget{Limit: limitOf(float64(p.BudgetBytes)), Used: float64(p.UsedBytes), Reserved: float64(p.HeldBytes)},
		RelayMinutes: Budget{Limit: limitOf(p.BudgetTime.Minutes()), Used: minutes(p.UsedTime)},
		Sessions:     SessionsBudget{Limit: limitOf(p.MaxSessions)},
		Low:          p.Low(), Exhausted: p.Exhausted(),
	}
	if w := p.Purse; w.Prepaid {
		b.Points = &PointsBudget{Balance: w.Balance.Float(), Reserved: w.Held.Float(), Filled: w.Filled.Float()}
	}
	return b
}

// limitOf is a bound, or nil where there is none.
func limitOf[N int | float64](n N) *N {
	if n == 0 {
		return nil
	}
	return &n
}

func entryOf(e record.Entry) Entry {
	return Entry{
		Seq: e.Seq, Kind: e.Kind, At: e.At, Amount: e.Amount.Float(), Balance: e.Balance.Float(), Reserved: e.Held.Float(),
		Absorbed: e.Absorbed.Float(), Bytes: e.Bytes, Minutes: minutes(e.Time),
		Session: e.Session, Allocation: e.Allocation, Reference: e.Reference, Note: e.Note,
	}
}
