package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Project is the API key's project, as partners see it.
type Project struct {
	ID    protocol.ProjectID `json:"id"`
	Name  string             `json:"name"`
	Path  PathPlan           `json:"path" doc:"How the project's sessions may go"`
	Relay RelayPlan          `json:"relay" doc:"What the project may use of the relay, and has used this month (UTC)"`
}

// PathPlan is how a project's sessions may go.
type PathPlan struct {
	Policy       protocol.PathPolicy `json:"policy,omitempty" enum:"direct_only,prefer_direct,relay_only" doc:"Which paths sessions may take. direct_only and relay_only bind every token, prefer_direct leaves it to tokens; absent: as the server says"`
	RelayDelayMS *int64              `json:"relay_delay_ms,omitempty" doc:"How long viewers try without the relay first, 0: not at all; absent: as the server says"`
	MaxRelayS    int64               `json:"max_relay_s,omitempty" doc:"How many seconds a session may go through the relay; absent: the server's bound, if any"`
	RelayHD      *bool               `json:"relay_hd,omitempty" doc:"Whether a camera's best rendition may go over the relay, where it has a smaller one; absent: as the server says"`
}

// RelayPlan is what a project may use of the relay and has used.
type RelayPlan struct {
	BudgetBytes uint64 `json:"budget_bytes,omitempty" doc:"What may go through the relay in a month, as payload of both directions; absent: no bound"`
	UsedBytes   uint64 `json:"used_bytes" doc:"What went through the relay this month, up to some 10 s ago"`
	Exhausted   bool   `json:"exhausted" doc:"The budget is used up: sessions have the direct path only, relayed ones end with the reason quota"`
	MaxKbps     int    `json:"max_kbps,omitempty" doc:"What may go through the relay for one end of a session in one direction, in kilobits a second; absent: the server's bound, if any"`
}

type projectOutput struct {
	Body Project
}

func (a *API) addProject() {
	add(a, huma.Operation{
		OperationID: "get-project", Method: http.MethodGet, Path: "/v1/project", Tags: []string{"project"},
		Summary: "Get the project that the API key is of, with how its sessions may go and its relay budget",
	}, a.getProject)
}

func (a *API) getProject(ctx context.Context, _ *struct{}) (*projectOutput, error) {
	return a.project(ctx, keyOf(ctx).Project)
}

func (a *API) project(ctx context.Context, id protocol.ProjectID) (*projectOutput, error) {
	p, err := a.config.Projects.Project(ctx, id)
	if err != nil {
		return nil, err
	}
	plan, err := a.config.Projects.Plan(ctx, id)
	if err != nil {
		return nil, err
	}
	return &projectOutput{Body: Project{ID: p.ID, Name: p.Name, Path: pathPlan(plan), Relay: relayPlan(plan)}}, nil
}

func pathPlan(p record.Plan) PathPlan {
	terms := p.Plain()
	return PathPlan{Policy: terms.Path, RelayDelayMS: terms.RelayDelayMS, MaxRelayS: terms.MaxRelayS, RelayHD: terms.RelayHD}
}

func relayPlan(p record.Plan) RelayPlan {
	return RelayPlan{BudgetBytes: p.BudgetBytes, UsedBytes: p.UsedBytes, Exhausted: p.Exhausted(), MaxKbps: p.MaxKbps}
}
