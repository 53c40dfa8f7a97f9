package sightline

import (
	"context"
	"iter"
	"net/http"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	projectsPath = "/v1/projects"
	grantsPath   = "/v1/grants"
)

// Project returns the key's own project, how its sessions may go and what it has used.
func (c *Client) Project(ctx context.Context) (Project, error) {
	return get[Project](ctx, c, "/v1/project", nil)
}

// Projects goes through all projects of the server, the newest first. It takes an operator's key, as do the next.
func (c *Client) Projects(ctx context.Context) iter.Seq2[ListedProject, error] {
	return list[ListedProject](ctx, c, projectsPath, "projects", nil)
}

// OneProject returns any project.
func (c *Client) OneProject(ctx context.Context, id protocol.ProjectID) (Project, error) {
	return get[Project](ctx, c, at(projectsPath, id), nil)
}

// CreateProject makes a project.
func (c *Client) CreateProject(ctx context.Context, in CreateProjectInput) (Project, error) {
	return post[Project](ctx, c, projectsPath, in)
}

// ChangeProject changes what is told of it; the rest stays.
func (c *Client) ChangeProject(ctx context.Context, id protocol.ProjectID, in ChangeProjectInput) (Project, error) {
	return ask[Project](ctx, c, request{method: http.MethodPatch, path: at(projectsPath, id), body: in})
}

// CreateProjectKey makes an API key of any project. It is shown this once.
func (c *Client) CreateProjectKey(ctx context.Context, id protocol.ProjectID, in KeyInput) (CreateKeyOutput, error) {
	return post[CreateKeyOutput](ctx, c, at(projectsPath, id)+"/keys", in)
}

// CreateGrant shares a device of the project with another.
func (c *Client) CreateGrant(ctx context.Context, in CreateGrantInput) (Grant, error) {
	return post[Grant](ctx, c, grantsPath, in)
}

// Grants goes through the grants that the project made or was made, ended ones too, the newest first.
func (c *Client) Grants(ctx context.Context) iter.Seq2[Grant, error] {
	return list[Grant](ctx, c, grantsPath, "grants", nil)
}

// Grant returns a grant.
func (c *Client) Grant(ctx context.Context, id string) (Grant, error) {
	return get[Grant](ctx, c, at(grantsPath, id), nil)
}

// EndGrant ends a grant, from either side: sessions by it end at once.
func (c *Client) EndGrant(ctx context.Context, id string) error {
	return c.remove(ctx, at(grantsPath, id))
}
