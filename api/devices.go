package api

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Device is a device as partners see it.
type Device struct {
	ID       protocol.DeviceID `json:"id"`
	Name     string            `json:"name"`
	Model    string            `json:"model"`
	Created  time.Time         `json:"created"`
	LastSeen time.Time         `json:"last_seen,omitzero" doc:"When it was last online, if it ever was"`
	Presence Presence          `json:"presence"`
	Shared   *Shared           `json:"shared,omitempty" doc:"The device is another project's, which shares it"`
}

// Presence says whether a device can be reached.
type Presence struct {
	Status     protocol.Status `json:"status" enum:"online,suspect,offline" doc:"A suspect device lost its link moments ago"`
	Since      time.Time       `json:"since,omitzero" doc:"When it got this status, as far as is known"`
	Generation uint64          `json:"generation" doc:"Counts the device's links"`
	// What follows is of the socket that it has now.
	Address   string             `json:"address,omitempty" doc:"Where its connection comes from now"`
	Transport protocol.Transport `json:"transport,omitempty" doc:"What carries its link now: websocket or long_poll"`
	Fallback  *Fallback          `json:"fallback,omitempty" doc:"Why that is no WebSocket, as the device says"`
	Agent     *Agent             `json:"agent,omitempty" doc:"What it says of its software"`
}

// DeviceDetails is a device with what it says of its network.
type DeviceDetails struct {
	Device
	Policy  *DevicePolicy `json:"policy,omitempty" doc:"How its sessions may go; absent: as the project says"`
	Network *Network      `json:"network,omitempty" doc:"The network that it is in, as it last told"`
}

// DevicePolicy is how a device's sessions may go, within those of its project. It binds every token.
type DevicePolicy struct {
	Path         protocol.PathPolicy `json:"path,omitempty" enum:"direct_only,prefer_direct,relay_only" doc:"Which paths sessions may take, unless the project allows one only. direct_only and relay_only bind every token; absent: as the project says"`
	RelayDelayMS *int64              `json:"relay_delay_ms,omitempty" minimum:"0" maximum:"30000" doc:"How long viewers try without the relay first where their token does not say it, 0: not at all; absent: as the project says"`
	MaxRelayS    int64               `json:"max_relay_s,omitempty" minimum:"0" maximum:"86400" doc:"How many seconds a session may go through the relay; bounds of project and token hold too. Absent or 0: no bound"`
	MaxKbps      int                 `json:"max_kbps,omitempty" minimum:"0" maximum:"100000000" doc:"What may go through the relay for one end of a session in one direction, in kilobits a second; bounds of project and token hold too. Absent or 0: no bound"`
	RelayHD      *bool               `json:"relay_hd,omitempty" doc:"false: its smaller rendition over the relay, if it has one, also where the project allows the best"`
}

type (
	deviceInput struct {
		ID protocol.DeviceID `path:"device" maxLength:"64"`
	}
	deviceOutput struct {
		ETag string `header:"ETag" doc:"Of what can be changed of the device; its presence and network are no part of it"`
		Body DeviceDetails
	}
	changeDeviceInput struct {
		ID protocol.DeviceID `path:"device" maxLength:"64"`
		Precondition
		Body struct {
			Name   string        `json:"name,omitempty" minLength:"1" maxLength:"128" doc:"What it is called; absent: as before"`
			Policy *DevicePolicy `json:"policy,omitempty" doc:"How its sessions may go from now on, all of it: what is absent in it is as the project says"`
		}
	}
	devicesInput struct {
		Page
		Shared bool `query:"shared" doc:"Those that other projects share with yours, instead of your own"`
	}
	devicesOutput struct {
		Body struct {
			Devices    []Device `json:"devices" nullable:"false"`
			NextCursor string   `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addDevices() {
	add(a, huma.Operation{
		OperationID: "list-devices", Method: http.MethodGet, Path: "/v1/devices", Tags: []string{"devices"},
		Summary: "List the devices of the project, or those that are shared with it, the newest first",
	}, a.listDevices)
	add(a, huma.Operation{
		OperationID: "get-device", Method: http.MethodGet, Path: "/v1/devices/{device}", Tags: []string{"devices"},
		Summary: "Get a device, with its network and what would let more viewers reach it directly",
	}, a.getDevice)
	add(a, huma.Operation{
		OperationID: "change-device", Method: http.MethodPatch, Path: "/v1/devices/{device}", Tags: []string{"devices"},
		Summary: "Change a device: its name, how its sessions may go",
	}, a.changeDevice)
	add(a, huma.Operation{
		OperationID: "delete-device", Method: http.MethodDelete, Path: "/v1/devices/{device}", Tags: []string{"devices"},
		Summary: "Delete a device: its link and its sessions end at once, and its key is refused for ever",
	}, a.deleteDevice)
}

func (a *API) listDevices(ctx context.Context, in *devicesInput) (*devicesOutput, error) {
	out := &devicesOutput{}
	if in.Shared {
		list, next, err := a.config.DeviceGrants.SharedDevices(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
		if err != nil {
			return nil, err
		}
		out.Body.Devices, out.Body.NextCursor = each(list, a.sharedDevice), next
		return out, nil
	}
	list, next, err := a.config.Devices.Devices(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out.Body.Devices, out.Body.NextCursor = each(list, a.device), next
	return out, nil
}

func (a *API) getDevice(ctx context.Context, in *deviceInput) (*deviceOutput, error) {
	d, grant, err := a.visibleDevice(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	if grant != nil {
		return &deviceOutput{Body: DeviceDetails{Device: a.sharedDevice(record.SharedDevice{Device: d, Grant: *grant})}}, nil
	}
	return a.deviceDetails(d), nil
}

func (a *API) changeDevice(ctx context.Context, in *changeDeviceInput) (*deviceOutput, error) {
	d, err := a.config.Devices.ChangeDevice(ctx, keyOf(ctx).Project, in.ID, func(d *record.Device) error {
		if err := in.check(deviceTag(*d)); err != nil {
			return err
		}
		d.Name = cmp.Or(in.Body.Name, d.Name)
		if p := in.Body.Policy; p != nil {
			d.Terms = record.PlainTerms(*p).Terms()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	if in.Body.Policy != nil {
		if err := a.config.Access.Refresh(context.WithoutCancel(ctx)); err != nil {
			return nil, err
		}
	}
	return a.deviceDetails(d), nil
}

func deviceTag(d record.Device) string { return etagOf(d.ID, d.Name, d.Terms.Plain()) }

func (a *API) deviceDetails(d record.Device) *deviceOutput {
	out := &deviceOutput{ETag: deviceTag(d), Body: DeviceDetails{Device: a.device(d)}}
	if d.Terms != (record.Terms{}) {
		policy := DevicePolicy(d.Terms.Plain())
		out.Body.Policy = &policy
	}
	if told, ok := a.config.Hub.Network(d.ID); ok { // the store is some seconds behind
		d.Network, d.NetworkTold = &told.Network, told.Told
	}
	if out.Body.Network = network(d.Network); out.Body.Network != nil {
		out.Body.Network.Told = d.NetworkTold
		out.Body.Network.Advice = nat.Advice(*d.Network)
	}
	return out
}

func (a *API) deleteDevice(ctx context.Context, in *deviceInput) (*struct{}, error) {
	if err := a.config.Devices.RevokeDevice(ctx, keyOf(ctx).Project, in.ID); err != nil {
		return nil, err
	}
	// Revoked is revoked: a client that hangs up now must not save the device's sessions.
	a.config.Hub.RevokeDevice(context.WithoutCancel(ctx), in.ID)
	return nil, nil
}

// ownDevice returns a device of the key's project. Another project's is not found, like one that never was.
func (a *API) ownDevice(ctx context.Context, id protocol.DeviceID) (record.Device, error) {
	d, err := a.config.Devices.Device(ctx, id)
	if err != nil {
		return record.Device{}, err
	}
	if d.Project != keyOf(ctx).Project || !d.Revoked.IsZero() {
		return record.Device{}, protocol.Errorf(protocol.CodeNotFound, "there is no such device")
	}
	return d, nil
}

func (a *API) device(d record.Device) Device {
	p := a.config.Hub.Presence(d.ID)
	if p.Generation == 0 { // the hub has not seen it since it started
		p.Generation, p.Since = d.Generation, d.LastSeen
	}
	out := Device{
		ID: d.ID, Name: d.Name, Model: d.Model, Created: d.Created, LastSeen: d.LastSeen,
		Presence: Presence{Status: p.Status, Since: p.Since, Generation: p.Generation},
	}
	if c, ok := a.config.Hub.Connection(d.ID); ok {
		out.Presence.Address, out.Presence.Agent = addressText(c.Address), agent(c.Program)
		out.Presence.Transport, out.Presence.Fallback = c.Transport, fallback(c.Fallback)
	}
	return out
}
