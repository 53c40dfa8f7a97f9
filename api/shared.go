package api

import (
	"context"
	"errors"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Shared says that a device is another project's, and what the key's project may do with it.
type Shared struct {
	Grant   string             `json:"grant"`
	Owner   protocol.ProjectID `json:"owner" doc:"The device's project"`
	Rights  []protocol.Right   `json:"rights" nullable:"false" doc:"What your viewers may do at most"`
	Expires time.Time          `json:"expires,omitzero" doc:"When the grant ends by itself; absent: never"`
}

// visibleDevice returns a device of the key's project, or one that is shared with it: the grant says so.
func (a *API) visibleDevice(ctx context.Context, id protocol.DeviceID) (record.Device, *record.DeviceGrant, error) {
	d, err := a.ownDevice(ctx, id)
	if !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		return d, nil, err
	}
	shared, err := a.config.DeviceGrants.SharedDevice(ctx, keyOf(ctx).Project, id)
	if err != nil {
		return record.Device{}, nil, err
	}
	return shared.Device, &shared.Grant, nil
}

// sharedDevice is a device as those see it who may look at it: where it is connected, and with what, is its owner's alone.
func (a *API) sharedDevice(s record.SharedDevice) Device {
	out := a.device(s.Device)
	out.Presence = Presence{Status: out.Presence.Status, Since: out.Presence.Since, Generation: out.Presence.Generation}
	out.Shared = &Shared{Grant: s.Grant.ID, Owner: s.Grant.Owner, Rights: s.Grant.Rights, Expires: s.Grant.Expires}
	return out
}
