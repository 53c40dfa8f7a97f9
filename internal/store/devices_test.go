package store

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestDeviceIsChangedOrLeftAsItWas(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		ctx := t.Context()
		d := enrol(t, s, protocol.DefaultProject)
		name := func(name string) func(*record.Device) error {
			return func(now *record.Device) error {
				if now.ID != d.ID {
					t.Errorf("got device %s, want %s", now.ID, d.ID)
				}
				now.Name = name
				return nil
			}
		}
		want := d
		want.Name = "Back door"
		if diff := cmp.Diff(want, must(s.ChangeDevice(ctx, d.Project, d.ID, name("Back door")))(t)); diff != "" {
			t.Errorf("changed device differs:\n%s", diff)
		}
		for _, bad := range []string{"", "two\nlines", strings.Repeat("x", protocol.MaxNameBytes+1)} {
			_, err := s.ChangeDevice(ctx, d.Project, d.ID, name(bad))
			wantCode(t, err, protocol.CodeInvalid)
		}
		second := errors.New("second thoughts")
		_, err := s.ChangeDevice(ctx, d.Project, d.ID, func(now *record.Device) error {
			now.Name = "Garden"
			return second
		})
		if !errors.Is(err, second) {
			t.Errorf("got %v, want what change said", err)
		}
		if diff := cmp.Diff(want, must(s.Device(ctx, d.ID))(t)); diff != "" {
			t.Errorf("device differs:\n%s", diff)
		}
		terms := func(terms record.Terms) func(*record.Device) error {
			return func(now *record.Device) error {
				now.Terms = terms
				return nil
			}
		}
		want.Terms = record.Terms{Path: protocol.PathDirectOnly, RelayDelay: record.DelayOf(0), MaxKbps: 500, RelayHD: record.No}
		must(s.ChangeDevice(ctx, d.Project, d.ID, terms(want.Terms)))(t)
		if diff := cmp.Diff(want, must(s.Device(ctx, d.ID))(t)); diff != "" {
			t.Errorf("device with terms differs:\n%s", diff)
		}
		if got := must(s.DeviceTerms(ctx))(t); len(got) != 1 || got[d.ID] != want.Terms {
			t.Errorf("got the terms %+v", got)
		}
		_, err = s.ChangeDevice(ctx, d.Project, d.ID, terms(record.Terms{MaxKbps: -1}))
		wantCode(t, err, protocol.CodeInvalid)
		must(s.ChangeDevice(ctx, d.Project, d.ID, terms(record.Terms{})))(t)
		if got := must(s.DeviceTerms(ctx))(t); len(got) != 0 {
			t.Errorf("got the terms %+v of a device that has none", got)
		}
		must(s.CreateProject(ctx, "other", ""))(t)
		_, err = s.ChangeDevice(ctx, "other", d.ID, name("Mine"))
		wantCode(t, err, protocol.CodeNotFound)
		if err := s.RevokeDevice(ctx, d.Project, d.ID); err != nil {
			t.Fatal(err)
		}
		_, err = s.ChangeDevice(ctx, d.Project, d.ID, name("Gone"))
		wantCode(t, err, protocol.CodeNotFound)
	})
}
