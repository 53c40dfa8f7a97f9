package api

import (
	"context"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func (w *world) ChangeDevice(_ context.Context, project protocol.ProjectID, id protocol.DeviceID, change func(*record.Device) error) (record.Device, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i, d := range w.devices {
		if d.ID == id && d.Project == project && d.Revoked.IsZero() {
			if err := change(&d); err != nil {
				return record.Device{}, err
			}
			w.devices[i] = d
			return d, nil
		}
	}
	return record.Device{}, nothing()
}
