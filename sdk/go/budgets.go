package sightline

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/sightline-rtc/sightline/protocol"
)

// Budgets returns what the project may use of the relay, and has used.
func (c *Client) Budgets(ctx context.Context) (Budgets, error) {
	return get[Budgets](ctx, c, "/v1/budgets", nil)
}

// ProjectBudgets returns the same of any project. It takes an operator's key, as do the next two.
func (c *Client) ProjectBudgets(ctx context.Context, id protocol.ProjectID, version ...*Version) (Budgets, error) {
	return ask[Budgets](ctx, c, request{method: http.MethodGet, path: at(projectsPath, id) + "/budgets", version: one(version)})
}

// ChangeProjectBudgets changes what a project may use of the relay; what is not told stays.
func (c *Client) ChangeProjectBudgets(ctx context.Context, id protocol.ProjectID, in ChangeBudgetsInput, version ...*Version) (Budgets, error) {
	return ask[Budgets](ctx, c, request{method: http.MethodPatch, path: at(projectsPath, id) + "/budgets", body: in, version: one(version)})
}

// AddProjectPoints gives a project points.
func (c *Client) AddProjectPoints(ctx context.Context, id protocol.ProjectID, in AddPointsInput) (Entry, error) {
	return post[Entry](ctx, c, at(projectsPath, id)+"/points", in)
}

// LedgerFilter chooses entries of the ledger. Empty fields choose all.
type LedgerFilter struct {
	Session protocol.SessionID
	Kind    string
}

// Ledger goes through the project's ledger, the newest entry first.
func (c *Client) Ledger(ctx context.Context, filter LedgerFilter) iter.Seq2[Entry, error] {
	query := url.Values{}
	if filter.Session != "" {
		query.Set("session", string(filter.Session))
	}
	if filter.Kind != "" {
		query.Set("kind", filter.Kind)
	}
	return list[Entry](ctx, c, "/v1/ledger", "entries", query)
}
