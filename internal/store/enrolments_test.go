package store

import (
	"crypto/ed25519"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func newPublicKey(t *testing.T) ed25519.PublicKey {
	t.Helper()
	public, _, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func newCode(t *testing.T, s *Store, in protocol.ProjectID) string {
	t.Helper()
	_, code, err := s.CreateEnrolment(t.Context(), record.Enrolment{Project: in, Name: "Front door"}, 0)
	if err != nil {
		t.Fatal(err)
	}
	return code.Reveal()
}

func enrol(t *testing.T, s *Store, in protocol.ProjectID) record.Device {
	t.Helper()
	return must(s.Enrol(t.Context(), newCode(t, s, in), newPublicKey(t), "", ""))(t)
}

func TestCodeEnrolsOneDevice(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		code, key := newCode(t, s, protocol.DefaultProject), newPublicKey(t)
		typed := strings.ToLower(strings.ReplaceAll(code, "-", " "))
		device := must(s.Enrol(ctx, typed, key, "given name", "T1000"))(t)
		want := record.Device{
			ID: device.ID, Project: protocol.DefaultProject, Name: "Front door", Model: "T1000", PublicKey: key, Created: c.now(),
		}
		if diff := cmp.Diff(want, device); diff != "" {
			t.Errorf("device differs:\n%s", diff)
		}
		if !device.ID.Valid() {
			t.Errorf("device id %q is not valid", device.ID)
		}
		if diff := cmp.Diff(want, must(s.Device(ctx, device.ID))(t)); diff != "" {
			t.Errorf("stored device differs:\n%s", diff)
		}

		c.pass(48 * time.Hour)
		if diff := cmp.Diff(device, must(s.Enrol(ctx, code, key, "", "other"))(t)); diff != "" {
			t.Errorf("the same code and key gave another device:\n%s", diff)
		}
		_, err := s.Enrol(ctx, code, newPublicKey(t), "", "")
		wantCode(t, err, protocol.CodeForbidden)
	})
}

func TestCodesThatEnrolNobody(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		_, err := s.Enrol(ctx, "0000-0000-0000-0000", newPublicKey(t), "", "")
		wantCode(t, err, protocol.CodeNotFound)
		_, err = s.Enrol(ctx, "open sesame", newPublicKey(t), "", "")
		wantCode(t, err, protocol.CodeInvalid)
		code := newCode(t, s, protocol.DefaultProject)
		_, err = s.Enrol(ctx, code, newPublicKey(t)[:31], "", "")
		wantCode(t, err, protocol.CodeInvalid)
		c.pass(EnrolmentLife)
		_, err = s.Enrol(ctx, code, newPublicKey(t), "", "")
		wantCode(t, err, protocol.CodeExpired)
		e, deleted, err := s.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject, Name: ""}, 0)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.DeleteEnrolment(ctx, protocol.DefaultProject, e.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.Enrol(ctx, deleted.Reveal(), newPublicKey(t), "", "")
		wantCode(t, err, protocol.CodeNotFound)
		_, _, err = s.CreateEnrolment(ctx, record.Enrolment{Project: protocol.DefaultProject, Name: ""}, maxEnrolmentLife+1)
		wantCode(t, err, protocol.CodeInvalid)
	})
}

func TestKnownDeviceEnrolsAnewOnlyInItsProject(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		ctx := t.Context()
		must(s.CreateProject(ctx, "other", ""))(t)
		key := newPublicKey(t)
		first := must(s.Enrol(ctx, newCode(t, s, protocol.DefaultProject), key, "", ""))(t)
		second := must(s.Enrol(ctx, newCode(t, s, protocol.DefaultProject), key, "", "T1000"))(t)
		if second.ID != first.ID || second.Model != "T1000" {
			t.Errorf("got %+v, want device %s again", second, first.ID)
		}
		_, err := s.Enrol(ctx, newCode(t, s, "other"), key, "", "")
		wantCode(t, err, protocol.CodeConflict)

		if err := s.RevokeDevice(ctx, protocol.DefaultProject, first.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.Enrol(ctx, newCode(t, s, protocol.DefaultProject), key, "", "")
		wantCode(t, err, protocol.CodeRevoked)
	})
}

func TestOneCodeAndManyDevicesAtOnceEnrolOne(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		other := open(t, at, c)
		code := newCode(t, s, protocol.DefaultProject)
		var group sync.WaitGroup
		errs := make([]error, 8)
		for i := range errs {
			store, key := []*Store{s, other}[i%2], newPublicKey(t)
			group.Go(func() { _, errs[i] = store.Enrol(t.Context(), code, key, "", "") })
		}
		group.Wait()
		var enrolled int
		for _, err := range errs {
			if err == nil {
				enrolled++
				continue
			}
			wantCode(t, err, protocol.CodeForbidden)
		}
		if enrolled != 1 {
			t.Errorf("got %d devices of one code", enrolled)
		}
	})
}

func TestRevokedDeviceIsKeptAndRefused(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		ctx := t.Context()
		device := enrol(t, s, protocol.DefaultProject)
		if got := must(s.NextGeneration(ctx, device.ID))(t); got != 1 {
			t.Errorf("got generation %d, want 1", got)
		}
		if err := s.RevokeDevice(ctx, protocol.DefaultProject, device.ID); err != nil {
			t.Fatal(err)
		}
		wantCode(t, s.RevokeDevice(ctx, protocol.DefaultProject, device.ID), protocol.CodeNotFound)
		_, err := s.NextGeneration(ctx, device.ID)
		wantCode(t, err, protocol.CodeRevoked)
		_, err = s.NextGeneration(ctx, "nobody")
		wantCode(t, err, protocol.CodeNotFound)
		kept := must(s.Device(ctx, device.ID))(t)
		if !kept.Revoked.Equal(c.now()) || kept.Generation != 1 {
			t.Errorf("got %+v, want it revoked with generation 1", kept)
		}
		if list, _, err := s.Devices(ctx, protocol.DefaultProject, "", 0); err != nil || len(list) != 0 {
			t.Errorf("got %v, %v; want no device listed", list, err)
		}
	})
}

func TestGenerationsGrowUnderConcurrency(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		other := open(t, at, c)
		device := enrol(t, s, protocol.DefaultProject)
		const each, workers = 10, 4
		generations := make(chan uint64, each*workers)
		var group sync.WaitGroup
		for i := range workers {
			store := []*Store{s, other}[i%2]
			group.Go(func() {
				for range each {
					generation, err := store.NextGeneration(t.Context(), device.ID)
					if err != nil {
						t.Error(err)
					}
					generations <- generation
				}
			})
		}
		group.Wait()
		close(generations)
		seen := map[uint64]bool{}
		for generation := range generations {
			seen[generation] = true
		}
		if len(seen) != each*workers || !seen[each*workers] {
			t.Errorf("got %d different generations, want 1 to %d", len(seen), each*workers)
		}
	})
}

func TestSeenNeverGoesBack(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		device := enrol(t, s, protocol.DefaultProject)
		for _, at := range []time.Time{c.now().Add(time.Minute), c.now()} {
			if err := s.Seen(t.Context(), device.ID, at); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := must(s.Device(t.Context(), device.ID))(t).LastSeen, c.now().Add(time.Minute); !got.Equal(want) {
			t.Errorf("got last seen %s, want %s", got, want)
		}
	})
}
