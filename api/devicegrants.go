package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Grant shares a device with another project. Both see it.
type Grant struct {
	ID      string             `json:"id"`
	Device  protocol.DeviceID  `json:"device"`
	Owner   protocol.ProjectID `json:"owner" doc:"The device's project"`
	Project protocol.ProjectID `json:"project" doc:"The project that may look"`
	Rights  []protocol.Right   `json:"rights" nullable:"false" doc:"What its viewers may do at most"`
	Pays    record.Payer       `json:"pays" enum:"owner,viewer" doc:"Whose relay budget and terms hold for its sessions"`
	Created time.Time          `json:"created"`
	Expires time.Time          `json:"expires,omitzero" doc:"When it ends by itself; absent: never"`
	Ended   time.Time          `json:"ended,omitzero" doc:"When one side ended it"`
	EndedBy protocol.ProjectID `json:"ended_by,omitempty" doc:"Which"`
}

type (
	grantInput struct {
		ID string `path:"grant" maxLength:"64"`
	}
	createGrantInput struct {
		Body struct {
			Device  protocol.DeviceID  `json:"device" maxLength:"64" doc:"A device of your project"`
			Project protocol.ProjectID `json:"project" maxLength:"64" doc:"The project that may look"`
			Rights  []protocol.Right   `json:"rights,omitempty" minItems:"1" maxItems:"4" nullable:"false" enum:"view,audio,talk,control" default:"[\"view\",\"audio\"]" doc:"What its viewers may do at most; view is among it"`
			Expires time.Time          `json:"expires,omitempty" doc:"When it ends by itself; absent: never"`
			Pays    record.Payer       `json:"pays,omitempty" enum:"owner,viewer" default:"viewer" doc:"Whose relay budget and terms hold for its sessions"`
		}
	}
	grantOutput struct {
		Body Grant
	}
	grantsInput struct {
		Page
	}
	grantsOutput struct {
		Body struct {
			Grants     []Grant `json:"grants" nullable:"false"`
			NextCursor string  `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addDeviceGrants() {
	add(a, huma.Operation{
		OperationID: "create-grant", Method: http.MethodPost, Path: "/v1/grants", Tags: []string{"grants"},
		Summary: "Share a device with another project", DefaultStatus: http.StatusCreated,
		Description: "That project's tokens open the device then, as far as the rights go. A device is shared with a project once.",
	}, a.createGrant)
	add(a, huma.Operation{
		OperationID: "list-grants", Method: http.MethodGet, Path: "/v1/grants", Tags: []string{"grants"},
		Summary: "List the grants that the project has given and has been given, ended ones too, the newest first",
	}, a.listGrants)
	add(a, huma.Operation{
		OperationID: "get-grant", Method: http.MethodGet, Path: "/v1/grants/{grant}", Tags: []string{"grants"},
		Summary: "Get a grant that the project has given or has been given",
	}, a.getGrant)
	add(a, huma.Operation{
		OperationID: "end-grant", Method: http.MethodDelete, Path: "/v1/grants/{grant}", Tags: []string{"grants"},
		Summary:     "End a grant: whoever looks by it is shut out at once",
		Description: "The owner revokes it so, and the project that it was given to declines it. Once more is harmless.",
	}, a.endGrant)
}

func (a *API) createGrant(ctx context.Context, in *createGrantInput) (*grantOutput, error) {
	g, err := a.config.DeviceGrants.CreateDeviceGrant(ctx, record.DeviceGrant{
		Device: in.Body.Device, Owner: keyOf(ctx).Project, Viewer: in.Body.Project, Rights: distinct(in.Body.Rights), Pays: in.Body.Pays,
		Expires: in.Body.Expires,
	})
	if err != nil {
		return nil, err
	}
	if err := a.config.Access.Refresh(context.WithoutCancel(ctx)); err != nil {
		return nil, err
	}
	return &grantOutput{Body: grant(g)}, nil
}

func (a *API) listGrants(ctx context.Context, in *grantsInput) (*grantsOutput, error) {
	list, next, err := a.config.DeviceGrants.DeviceGrants(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &grantsOutput{}
	out.Body.Grants, out.Body.NextCursor = each(list, grant), next
	return out, nil
}

func (a *API) getGrant(ctx context.Context, in *grantInput) (*grantOutput, error) {
	g, err := a.config.DeviceGrants.DeviceGrant(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	return &grantOutput{Body: grant(g)}, nil
}

func (a *API) endGrant(ctx context.Context, in *grantInput) (*struct{}, error) {
	if err := a.config.DeviceGrants.EndDeviceGrant(ctx, keyOf(ctx).Project, in.ID); err != nil {
		return nil, err
	}
	return nil, a.config.Access.Refresh(context.WithoutCancel(ctx))
}

func grant(g record.DeviceGrant) Grant {
	return Grant{
		ID: g.ID, Device: g.Device, Owner: g.Owner, Project: g.Viewer, Rights: g.Rights, Pays: g.Pays,
		Created: g.Created, Expires: g.Expires, Ended: g.Ended, EndedBy: g.EndedBy,
	}
}
