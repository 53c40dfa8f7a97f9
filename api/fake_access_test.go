package api

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// What the world has of keys, grants and batches. Who may do what with them is the store's to know: the tests of
// internal/app ask that.

func (w *world) RotateKey(ctx context.Context, by record.Key, id protocol.KeyID, overlap time.Duration) (record.Key, auth.Secret, error) {
	w.mu.Lock()
	at := -1
	for i, k := range w.keys {
		if k.ID == id && k.Project == by.Project {
			at = i
		}
	}
	w.mu.Unlock()
	if at < 0 {
		return record.Key{}, auth.Secret{}, nothing()
	}
	fresh, plain, err := w.CreateKey(ctx, record.Key{Project: by.Project, Name: w.keys[at].Name, Scopes: w.keys[at].Scopes})
	w.keys[at].Successor, w.keys[at].Expires = fresh.ID, testTime.Add(overlap)
	return fresh, plain, err
}

func (w *world) CreatePartnerKey(_ context.Context, project protocol.ProjectID, name string, public ed25519.PublicKey) (record.PartnerKey, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	k := record.PartnerKey{ID: protocol.KeyID(fmt.Sprintf("sl_sk_%d", len(w.partnerKeys))), Project: project, Name: name, Public: public, Created: testTime}
	w.partnerKeys = append(w.partnerKeys, k)
	return k, nil
}

func (w *world) PartnerKeys(_ context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.PartnerKey, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return page(of(w.partnerKeys, func(k record.PartnerKey) bool { return k.Project == project }), cursor, limit)
}

func (w *world) RevokePartnerKey(_ context.Context, project protocol.ProjectID, id protocol.KeyID) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.partnerKeys {
		if k := &w.partnerKeys[i]; k.ID == id && k.Project == project {
			k.Revoked = testTime
			return nil
		}
	}
	return nothing()
}

func (w *world) CreateDeviceGrant(_ context.Context, g record.DeviceGrant) (record.DeviceGrant, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	g.ID, g.Created = fmt.Sprintf("g%d", len(w.grants)), testTime
	w.grants = append(w.grants, g)
	return g, nil
}

func (w *world) DeviceGrants(_ context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.DeviceGrant, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return page(of(w.grants, func(g record.DeviceGrant) bool { return g.Owner == project || g.Viewer == project }), cursor, limit)
}

func (w *world) DeviceGrant(ctx context.Context, project protocol.ProjectID, id string) (record.DeviceGrant, error) {
	list, _, _ := w.DeviceGrants(ctx, project, "", 100)
	for _, g := range list {
		if g.ID == id {
			return g, nil
		}
	}
	return record.DeviceGrant{}, nothing()
}

func (w *world) EndDeviceGrant(ctx context.Context, by protocol.ProjectID, id string) error {
	if _, err := w.DeviceGrant(ctx, by, id); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := range w.grants {
		if w.grants[i].ID == id {
			w.grants[i].Ended, w.grants[i].EndedBy = testTime, by
		}
	}
	return nil
}

func (w *world) SharedDevices(_ context.Context, with protocol.ProjectID, cursor string, limit int) ([]record.SharedDevice, string, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var list []record.SharedDevice
	for _, g := range w.grants {
		for _, d := range w.devices {
			if g.Viewer == with && g.Alive(testTime) && g.Device == d.ID {
				list = append(list, record.SharedDevice{Device: d, Grant: g})
			}
		}
	}
	return page(list, cursor, limit)
}

func (w *world) SharedDevice(ctx context.Context, with protocol.ProjectID, id protocol.DeviceID) (record.SharedDevice, error) {
	list, _, _ := w.SharedDevices(ctx, with, "", 100)
	for _, s := range list {
		if s.Device.ID == id {
			return s, nil
		}
	}
	return record.SharedDevice{}, nothing()
}

// Refresh counts how often it was asked for.
func (w *world) Refresh(context.Context) error {
	w.tell("refresh")
	return nil
}

func (w *world) Enrolment(_ context.Context, project protocol.ProjectID, id string) (record.Enrolment, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, e := range w.enrolments {
		if e.Project == project && e.ID == id {
			return e, nil
		}
	}
	return record.Enrolment{}, nothing()
}

func (w *world) EnrolmentDevices(ctx context.Context, project protocol.ProjectID, id, cursor string, limit int) ([]record.Device, string, error) {
	if _, err := w.Enrolment(ctx, project, id); err != nil {
		return nil, "", err
	}
	return page[record.Device](nil, cursor, limit)
}

func (w *world) ProjectPage(context.Context, string, int) ([]record.Project, string, error) {
	return []record.Project{{ID: "mine", Created: testTime}, {ID: "theirs", Created: testTime}}, "", nil
}

func (w *world) CreateProject(_ context.Context, id protocol.ProjectID, name string) (record.Project, error) {
	w.tell("create project %s %s", id, name)
	return record.Project{ID: id, Name: name}, nil
}

func (w *world) ChangeProject(_ context.Context, id protocol.ProjectID, change record.ProjectChange) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.changed[id] = change
	return nil
}
