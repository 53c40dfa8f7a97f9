package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
)

type (
	createTokenInput struct {
		Body struct {
			Device     protocol.DeviceID `json:"device" maxLength:"64" doc:"The device that may be looked at"`
			Grants     []protocol.Right  `json:"grants,omitempty" minItems:"1" maxItems:"4" uniqueItems:"true" nullable:"false" enum:"view,audio,talk,control" default:"[\"view\",\"audio\"]" doc:"What the viewer may do"`
			TTLSeconds int               `json:"ttl_s,omitempty" minimum:"10" maximum:"86400" default:"3600" doc:"How long the token is good"`
			Subject    string            `json:"subject,omitempty" maxLength:"128" doc:"Who looks, in your words"`
		}
	}
	createTokenOutput struct {
		Body struct {
			Token   string            `json:"token"`
			Device  protocol.DeviceID `json:"device"`
			Grants  []protocol.Right  `json:"grants" nullable:"false"`
			Expires time.Time         `json:"expires"`
		}
	}
)

func (a *API) addTokens() {
	add(a, huma.Operation{
		OperationID: "create-token", Method: http.MethodPost, Path: "/v1/tokens", Tags: []string{"tokens"},
		Summary: "Make a token with which a viewer may look at one device", DefaultStatus: http.StatusCreated,
	}, a.createToken)
}

func (a *API) createToken(ctx context.Context, in *createTokenInput) (*createTokenOutput, error) {
	d, err := a.ownDevice(ctx, in.Body.Device)
	if err != nil {
		return nil, err
	}
	now, key := a.config.Now().UTC(), keyOf(ctx)
	life := time.Duration(in.Body.TTLSeconds) * time.Second
	viewer := auth.Viewer{
		Project: d.Project, Subject: in.Body.Subject, Key: key.ID, Device: d.ID, Rights: in.Body.Grants,
		Expires: now.Add(life).Truncate(time.Second),
	}
	token, err := a.config.Tokens.Mint(viewer, now)
	if err != nil {
		return nil, err
	}
	out := &createTokenOutput{}
	out.Body.Token, out.Body.Device, out.Body.Grants, out.Body.Expires = token, d.ID, viewer.Rights, viewer.Expires
	return out, nil
}
