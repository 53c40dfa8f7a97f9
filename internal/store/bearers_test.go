package store

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestADeviceWithoutAgentIsKeptByItsTokensKey(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		made, token, err := s.CreateDevice(t.Context(), protocol.DefaultProject, "Gate", "KVS 1")
		if err != nil {
			t.Fatal(err)
		}
		row := must(s.Device(t.Context(), made.ID))(t)
		if diff := cmp.Diff(made, row); diff != "" {
			t.Error(diff)
		}
		if row.Name != "Gate" || row.Model != "KVS 1" || !row.Bearer.Equal(c.now()) {
			t.Errorf("got %+v", row)
		}
		if device, err := auth.ParseBearer(token.Reveal()); err != nil || device != made.ID {
			t.Errorf("the token names %q, %v", device, err)
		}
		if err := auth.VerifyBearer(token.Reveal(), row.PublicKey); err != nil {
			t.Error(err)
		}
		events := must(s.Events(t.Context(), protocol.DefaultProject, record.EventFilter{}, 0))(t)
		if len(events) != 1 || events[0].Kind != record.EventDeviceEnrolled || events[0].Device != made.ID {
			t.Fatalf("got the events %+v", events)
		}
		var data record.EnrolledEvent
		if err := json.Unmarshal(events[0].Data, &data); err != nil || data.Name != "Gate" {
			t.Errorf("got %s, %v", events[0].Data, err)
		}
	})
}

func TestARenewedTokenReplacesTheOneBefore(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, c := newStore(t, at)
		made, old, err := s.CreateDevice(t.Context(), protocol.DefaultProject, "", "")
		if err != nil {
			t.Fatal(err)
		}
		c.pass(1e9)
		renewed, token, err := s.RenewBearer(t.Context(), protocol.DefaultProject, made.ID)
		if err != nil {
			t.Fatal(err)
		}
		if renewed.Name != string(made.ID) || !renewed.Bearer.Equal(c.now()) {
			t.Errorf("got %+v", renewed)
		}
		if auth.VerifyBearer(old.Reveal(), renewed.PublicKey) == nil {
			t.Error("the old token is still good")
		}
		if err := auth.VerifyBearer(token.Reveal(), renewed.PublicKey); err != nil {
			t.Error(err)
		}
	})
}

func TestWhoseTokenCannotBeRenewed(t *testing.T) {
	eachStore(t, func(t *testing.T, at place) {
		s, _ := newStore(t, at)
		made, _, err := s.CreateDevice(t.Context(), protocol.DefaultProject, "", "")
		if err != nil {
			t.Fatal(err)
		}
		agent := must(s.Enrol(t.Context(), newCode(t, s, protocol.DefaultProject), newPublicKey(t), "", ""))(t)
		for _, c := range []struct {
			in   protocol.ProjectID
			id   protocol.DeviceID
			want protocol.Code
		}{
			{protocol.DefaultProject, agent.ID, protocol.CodeConflict},
			{protocol.DefaultProject, "nobody", protocol.CodeNotFound},
			{"another", made.ID, protocol.CodeNotFound},
		} {
			if _, _, err := s.RenewBearer(t.Context(), c.in, c.id); !errors.Is(err, &protocol.Error{Code: c.want}) {
				t.Errorf("%s in %s: got %v, want %s", c.id, c.in, err, c.want)
			}
		}
		if err := s.RevokeDevice(t.Context(), protocol.DefaultProject, made.ID); err != nil {
			t.Fatal(err)
		}
		if _, _, err := s.RenewBearer(t.Context(), protocol.DefaultProject, made.ID); !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
			t.Errorf("a deleted device: got %v", err)
		}
		if _, _, err := s.CreateDevice(t.Context(), "another", "", ""); !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
			t.Errorf("no project: got %v", err)
		}
	})
}
