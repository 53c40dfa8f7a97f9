package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
)

type (
	createDeviceInput struct {
		Body struct {
			Name  string `json:"name,omitempty" maxLength:"128" doc:"What people call it"`
			Model string `json:"model,omitempty" maxLength:"128"`
		}
	}
	bearerOutput struct {
		Body struct {
			Device
			Token string `json:"token" doc:"The bearer token with which the camera connects as a KVS-format master. It is shown this once"`
		}
	}
)

func (a *API) addBearers() {
	add(a, huma.Operation{
		OperationID: "create-device", Method: http.MethodPost, Path: "/v1/devices", Tags: []string{"devices"},
		Summary:     "Make a device for a camera that speaks the KVS format and has no agent",
		Description: "Cameras with the agent join by themselves: see enrolments.", DefaultStatus: http.StatusCreated,
	}, a.createDevice)
	add(a, huma.Operation{
		OperationID: "create-device-token", Method: http.MethodPost, Path: "/v1/devices/{device}/token", Tags: []string{"devices"},
		Summary: "Give a device without agent another bearer token: the one before is refused at once, and the camera that shows it is cut off", DefaultStatus: http.StatusCreated,
	}, a.renewBearer)
}

func (a *API) createDevice(ctx context.Context, in *createDeviceInput) (*bearerOutput, error) {
	d, token, err := a.config.Devices.CreateDevice(ctx, keyOf(ctx).Project, in.Body.Name, in.Body.Model)
	if err != nil {
		return nil, err
	}
	out := &bearerOutput{}
	out.Body.Device, out.Body.Token = a.device(d), token.Reveal()
	return out, nil
}

func (a *API) renewBearer(ctx context.Context, in *deviceInput) (*bearerOutput, error) {
	d, token, err := a.config.Devices.RenewBearer(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	a.config.Hub.RenewDevice(d.ID)
	out := &bearerOutput{}
	out.Body.Device, out.Body.Token = a.device(d), token.Reveal()
	return out, nil
}
