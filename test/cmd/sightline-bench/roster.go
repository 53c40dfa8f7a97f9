//go:build linux

package main

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// roster has the devices of a measurement and what signs tokens for them. It is safe for concurrent use.
type roster struct {
	devices []enrolled
	keyring *auth.Keyring
}

type enrolled struct {
	id  protocol.DeviceID
	key ed25519.PrivateKey
}

// newRoster enrols devices as an agent does, only without the HTTP between.
func newRoster(ctx context.Context, records *store.Store, devices int) (*roster, error) {
	signing, err := records.SigningKeys(ctx)
	if err != nil {
		return nil, err
	}
	r := &roster{keyring: auth.NewKeyring(signing)}
	for range devices {
		public, private, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			return nil, err
		}
		_, code, err := records.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject, Name: "bench"}, 0)
		if err != nil {
			return nil, err
		}
		device, err := records.Enrol(ctx, code.Reveal(), public, "bench", "bench")
		if err != nil {
			return nil, err
		}
		r.devices = append(r.devices, enrolled{device.ID, private})
	}
	return r, nil
}

// viewersPerDevice is how many viewers share a device: as many as one serves by default.
const viewersPerDevice = protocol.DefaultMaxSessions

// rosterSize is how many devices a number of links needs.
func rosterSize(role protocol.Role, links int) int {
	if role == protocol.RoleDevice {
		return links
	}
	return (links + viewersPerDevice - 1) / viewersPerDevice
}

// hello makes the first message of the n-th link of a role, good for a minute from now.
func (r *roster) hello(role protocol.Role, n int, audience string) ([]byte, error) {
	token, err := r.token(role, n, audience)
	if err != nil {
		return nil, err
	}
	return introduce(role, token)
}

// helloTo makes the first message of a viewer of the n-th device.
func (r *roster) helloTo(n int) ([]byte, error) {
	return r.hello(protocol.RoleViewer, n*viewersPerDevice, "")
}

func introduce(role protocol.Role, token string) ([]byte, error) {
	e := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
		Version: protocol.Version, Role: role, Token: token, Client: protocol.Client{Name: "sightline-bench"},
	})
	return e.Encode()
}

func (r *roster) token(role protocol.Role, n int, audience string) (string, error) {
	now := time.Now()
	if role == protocol.RoleDevice {
		d := r.devices[n]
		return auth.SignDevice(d.key, d.id, audience, now)
	}
	return r.keyring.Mint(auth.Viewer{
		Project: protocol.DefaultProject, Subject: "bench", Key: "bench", Device: r.devices[n/viewersPerDevice].id,
	}, now)
}
