package sightline

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	devicesPath    = "/v1/devices"
	enrolmentsPath = "/v1/enrolments"
)

// Devices goes through the project's devices, the newest first.
func (c *Client) Devices(ctx context.Context) iter.Seq2[Device, error] {
	return list[Device](ctx, c, devicesPath, "devices", nil)
}

// SharedDevices goes through the devices that other projects share with this one.
func (c *Client) SharedDevices(ctx context.Context) iter.Seq2[Device, error] {
	return list[Device](ctx, c, devicesPath, "devices", url.Values{"shared": {"true"}})
}

// Device returns a device, with what it says of its network.
func (c *Client) Device(ctx context.Context, id protocol.DeviceID, version ...*Version) (DeviceDetails, error) {
	return ask[DeviceDetails](ctx, c, request{method: http.MethodGet, path: at(devicesPath, id), version: one(version)})
}

// ChangeDevice changes what is told of it; the rest stays.
func (c *Client) ChangeDevice(ctx context.Context, id protocol.DeviceID, in ChangeDeviceInput, version ...*Version) (DeviceDetails, error) {
	return ask[DeviceDetails](ctx, c, request{method: http.MethodPatch, path: at(devicesPath, id), body: in, version: one(version)})
}

// CreateDevice makes a device without our agent: a camera that speaks the KVS format. Its bearer token is shown this once.
func (c *Client) CreateDevice(ctx context.Context, in CreateDeviceInput) (BearerOutput, error) {
	return post[BearerOutput](ctx, c, devicesPath, in)
}

// CreateDeviceToken gives such a device another bearer token in the place of the one before.
func (c *Client) CreateDeviceToken(ctx context.Context, id protocol.DeviceID) (BearerOutput, error) {
	return post[BearerOutput](ctx, c, at(devicesPath, id)+"/token", nil)
}

// DeleteDevice deletes a device: its link and its sessions end at once, and its key is refused for ever.
func (c *Client) DeleteDevice(ctx context.Context, id protocol.DeviceID) error {
	return c.remove(ctx, at(devicesPath, id))
}

// Connections returns the last sockets of a device and why they ended, the newest first.
func (c *Client) Connections(ctx context.Context, id protocol.DeviceID) ([]Connection, error) {
	out, err := get[ConnectionsOutput](ctx, c, at(devicesPath, id)+"/connections", nil)
	return out.Connections, err
}

// Snapshot returns a device's newest still picture, a JPEG of at most 10 s ago.
func (c *Client) Snapshot(ctx context.Context, id protocol.DeviceID) ([]byte, error) {
	got, err := c.do(ctx, request{method: http.MethodGet, path: at(devicesPath, id) + "/snapshot"})
	return got.body, err
}

// CreateEnrolment makes a code with which devices join the project. It is shown this once.
func (c *Client) CreateEnrolment(ctx context.Context, in CreateEnrolmentInput) (CreateEnrolmentOutput, error) {
	return post[CreateEnrolmentOutput](ctx, c, enrolmentsPath, in)
}

// Enrolments goes through the enrolment codes, the newest first.
func (c *Client) Enrolments(ctx context.Context) iter.Seq2[Enrolment, error] {
	return list[Enrolment](ctx, c, enrolmentsPath, "enrolments", nil)
}

// Enrolment returns an enrolment code without the code.
func (c *Client) Enrolment(ctx context.Context, id string) (Enrolment, error) {
	return get[Enrolment](ctx, c, at(enrolmentsPath, id), nil)
}

// EnrolmentDevices goes through the devices that have joined by a code, the newest first.
func (c *Client) EnrolmentDevices(ctx context.Context, id string) iter.Seq2[Device, error] {
	return list[Device](ctx, c, at(enrolmentsPath, id)+"/devices", "devices", nil)
}

// DeleteEnrolment makes a code useless. Devices that have used it stay.
func (c *Client) DeleteEnrolment(ctx context.Context, id string) error {
	return c.remove(ctx, at(enrolmentsPath, id))
}
