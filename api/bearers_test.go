package api

import (
	"net/http"
	"slices"
	"testing"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

type bearerAnswer struct {
	ID    protocol.DeviceID `json:"id"`
	Name  string            `json:"name"`
	Model string            `json:"model"`
	Token string            `json:"token"`
}

func TestADeviceWithoutAgentGetsABearerToken(t *testing.T) {
	w, a, key, _ := newWorld(t)
	answer := call(t, a, key, http.MethodPost, "/v1/devices", `{"name":"Gate","model":"KVS 1"}`)
	wantStatus(t, answer, http.StatusCreated)
	var made bearerAnswer
	answer.decode(t, &made)
	device, err := auth.ParseBearer(made.Token)
	if err != nil || device != made.ID || made.Name != "Gate" || made.Model != "KVS 1" {
		t.Fatalf("got %+v, token of %q, %v", made, device, err)
	}
	row, err := w.Device(t.Context(), made.ID)
	if err != nil || auth.VerifyBearer(made.Token, row.PublicKey) != nil {
		t.Errorf("the token is not the device's: %v", err)
	}

	answer = call(t, a, key, http.MethodPost, "/v1/devices/"+string(made.ID)+"/token", "")
	wantStatus(t, answer, http.StatusCreated)
	var renewed bearerAnswer
	answer.decode(t, &renewed)
	if renewed.ID != made.ID || renewed.Token == made.Token {
		t.Errorf("got %+v", renewed)
	}
	if want := "renew device " + string(made.ID); !slices.Contains(w.log, want) {
		t.Errorf("the hub was told %q", w.log)
	}
}

func TestATokenIsRenewedOnlyForTheProjectsOwnDevicesWithoutAgent(t *testing.T) {
	w, a, key, _ := newWorld(t)
	w.devices = append(w.devices,
		record.Device{ID: "agent", Project: "mine"}, record.Device{ID: "foreign", Project: "theirs", Bearer: testTime})
	wantProblem(t, call(t, a, key, http.MethodPost, "/v1/devices/agent/token", ""), http.StatusConflict, protocol.CodeConflict)
	wantProblem(t, call(t, a, key, http.MethodPost, "/v1/devices/foreign/token", ""), http.StatusNotFound, protocol.CodeNotFound)
	wantProblem(t, call(t, a, key, http.MethodPost, "/v1/devices/nobody/token", ""), http.StatusNotFound, protocol.CodeNotFound)
}
