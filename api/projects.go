package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// ListedProject is a project in an operator's list.
type ListedProject struct {
	ID      protocol.ProjectID `json:"id"`
	Name    string             `json:"name"`
	Created time.Time          `json:"created"`
}

type (
	oneProjectInput struct {
		ID protocol.ProjectID `path:"project" maxLength:"64"`
	}
	createProjectInput struct {
		Body struct {
			ID   protocol.ProjectID `json:"id" minLength:"1" maxLength:"64" pattern:"^[a-z0-9_-]+$" doc:"What it is called for programs; it stays"`
			Name string             `json:"name,omitempty" maxLength:"128" doc:"What people call it, if not by its id"`
		}
	}
	changeProjectInput struct {
		ID   protocol.ProjectID `path:"project" maxLength:"64"`
		Body struct {
			Name    *string   `json:"name,omitempty" minLength:"1" maxLength:"128"`
			Path    *PathPlan `json:"path,omitempty" doc:"How the project's sessions may go, all of it: what is absent in it is as the server says"`
			MaxKbps *int      `json:"max_kbps,omitempty" minimum:"0" maximum:"100000000" doc:"What may go through the relay for one end of a session in one direction, in kilobits a second; 0: the server's bound, if any"`
		}
	}
	createProjectKeyInput struct {
		ID   protocol.ProjectID `path:"project" maxLength:"64"`
		Body KeyInputBody
	}
	projectsInput struct {
		Page
	}
	projectsOutput struct {
		Body struct {
			Projects   []ListedProject `json:"projects" nullable:"false"`
			NextCursor string          `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addProjects() {
	add(a, huma.Operation{
		OperationID: "create-project", Method: http.MethodPost, Path: "/v1/projects", Tags: []string{"projects"},
		Summary: "Make a project, as an operator", DefaultStatus: http.StatusCreated,
	}, a.createProject)
	add(a, huma.Operation{
		OperationID: "list-projects", Method: http.MethodGet, Path: "/v1/projects", Tags: []string{"projects"},
		Summary: "List all projects, as an operator, the newest first",
	}, a.listProjects)
	add(a, huma.Operation{
		OperationID: "get-one-project", Method: http.MethodGet, Path: "/v1/projects/{project}", Tags: []string{"projects"},
		Summary: "Get any project, as an operator",
	}, func(ctx context.Context, in *oneProjectInput) (*projectOutput, error) { return a.project(ctx, in.ID) })
	add(a, huma.Operation{
		OperationID: "change-project", Method: http.MethodPatch, Path: "/v1/projects/{project}", Tags: []string{"projects"},
		Summary: "Change a project's name, and how its sessions may go, as an operator",
	}, a.changeProject)
	add(a, huma.Operation{
		OperationID: "create-project-key", Method: http.MethodPost, Path: "/v1/projects/{project}/keys", Tags: []string{"projects"},
		Summary: "Make an API key of any project, as an operator: its first", DefaultStatus: http.StatusCreated,
	}, a.createProjectKey)
}

func (a *API) createProject(ctx context.Context, in *createProjectInput) (*projectOutput, error) {
	p, err := a.config.Projects.CreateProject(ctx, in.Body.ID, in.Body.Name)
	if err != nil {
		return nil, err
	}
	a.log.Info("project made", "project", p.ID)
	return a.project(ctx, p.ID)
}

func (a *API) listProjects(ctx context.Context, in *projectsInput) (*projectsOutput, error) {
	list, next, err := a.config.Projects.ProjectPage(ctx, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &projectsOutput{}
	out.Body.Projects, out.Body.NextCursor = each(list, listedProject), next
	return out, nil
}

func (a *API) changeProject(ctx context.Context, in *changeProjectInput) (*projectOutput, error) {
	change := record.ProjectChange{Name: in.Body.Name, MaxKbps: in.Body.MaxKbps}
	if p := in.Body.Path; p != nil {
		terms := record.PlainTerms{Path: p.Policy, RelayDelayMS: p.RelayDelayMS, MaxRelayS: p.MaxRelayS, RelayHD: p.RelayHD}.Terms()
		change.Path = &terms
	}
	if err := a.config.Projects.ChangeProject(ctx, in.ID, change); err != nil {
		return nil, err
	}
	return a.project(ctx, in.ID)
}

func (a *API) createProjectKey(ctx context.Context, in *createProjectKeyInput) (*createKeyOutput, error) {
	asked, err := askedKey(in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	if by := keyOf(ctx); !by.Outlives(asked) {
		return nil, protocol.Errorf(protocol.CodeForbidden, "a key cannot make one that lives longer than itself")
	}
	return shownOnce(a.config.Keys.CreateKey(ctx, asked))
}

func listedProject(p record.Project) ListedProject {
	return ListedProject{ID: p.ID, Name: p.Name, Created: p.Created}
}
