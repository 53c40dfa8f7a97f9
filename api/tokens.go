package api

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

type (
	createTokenInput struct {
		Body struct {
			Device     protocol.DeviceID `json:"device" maxLength:"64" doc:"The device that may be looked at"`
			Grants     []protocol.Right  `json:"grants,omitempty" minItems:"1" maxItems:"4" nullable:"false" enum:"view,audio,talk,control" default:"[\"view\",\"audio\"]" doc:"What the viewer may do"`
			TTLSeconds int               `json:"ttl_s,omitempty" minimum:"10" maximum:"86400" default:"3600" doc:"How long the token is good"`
			Subject    string            `json:"subject,omitempty" maxLength:"128" doc:"Who looks, in your words"`

			Path         protocol.PathPolicy `json:"path,omitempty" enum:"direct_only,prefer_direct,relay_only" doc:"How sessions with this token may go, unless the project allows one path only; absent: as the project says"`
			RelayDelayMS *int64              `json:"relay_delay_ms,omitempty" minimum:"0" maximum:"30000" doc:"How long a viewer tries without the relay first, 0: not at all; absent: as the project says"`
			MaxRelayS    int64               `json:"max_relay_s,omitempty" minimum:"0" maximum:"86400" doc:"How many seconds a session may go through the relay; the project's bound holds too. Absent or 0: no bound"`
			MaxKbps      int                 `json:"max_kbps,omitempty" minimum:"0" maximum:"100000000" doc:"What may go through the relay for one end of a session in one direction, in kilobits a second; the project's bound holds too. Absent or 0: no bound"`
			RelayHD      *bool               `json:"relay_hd,omitempty" doc:"false: the camera's smaller rendition over the relay, if it has one, also where the project allows the best. Absent or true: as the project says"`
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
	viewer, err := a.viewer(ctx, in.Body.Device, distinct(in.Body.Grants), time.Duration(in.Body.TTLSeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	viewer.Subject = in.Body.Subject
	viewer.Terms = record.PlainTerms{
		Path: in.Body.Path, RelayDelayMS: in.Body.RelayDelayMS, MaxRelayS: in.Body.MaxRelayS, MaxKbps: in.Body.MaxKbps,
		RelayHD: in.Body.RelayHD,
	}.Terms()
	token, err := a.config.Tokens.Mint(viewer, a.config.Now().UTC())
	if err != nil {
		return nil, err
	}
	out := &createTokenOutput{}
	out.Body.Token, out.Body.Device, out.Body.Grants, out.Body.Expires = token, viewer.Device, viewer.Rights, viewer.Expires
	return out, nil
}

// viewer is one whom the request's key lets look at a device: its own, or one that is shared with its project for all of the
// rights, and as long as it is.
func (a *API) viewer(ctx context.Context, device protocol.DeviceID, rights []protocol.Right, life time.Duration) (auth.Viewer, error) {
	d, grant, err := a.visibleDevice(ctx, device)
	if err != nil {
		return auth.Viewer{}, err
	}
	if grant != nil && len(grant.Within(rights)) < len(rights) {
		return auth.Viewer{}, protocol.Errorf(protocol.CodeForbidden, "the device is shared for %s alone", inWords(grant.Rights))
	}
	key := keyOf(ctx)
	viewer := auth.Viewer{
		Project: key.Project, Key: key.ID, Device: d.ID, Rights: rights, Expires: a.config.Now().UTC().Add(life).Truncate(time.Second),
	}
	if grant != nil && !grant.Expires.IsZero() && grant.Expires.Before(viewer.Expires) {
		viewer.Expires = grant.Expires.Truncate(time.Second)
	}
	return viewer, nil
}

// inWords lists rights for people.
func inWords(rights []protocol.Right) string {
	return strings.Join(each(rights, func(r protocol.Right) string { return string(r) }), ", ")
}
