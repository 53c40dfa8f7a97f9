package app

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
)

// printed runs a command and returns its lines.
func printed[C any](t *testing.T, command func(context.Context, C, io.Writer, *slog.Logger) error, c C) []string {
	t.Helper()
	var out strings.Builder
	if err := command(t.Context(), c, &out, silent); err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSuffix(out.String(), "\n"), "\n")
}

func TestTokenOfTheCommandLineOpensItsDeviceOnly(t *testing.T) {
	data := config.Data{Data: t.TempDir()}
	code := printed(t, CreateEnrolment, config.EnrollCreate{Data: data, Project: "default", Name: "garden"})[0]
	s, err := store.Open(t.Context(), data.Data, store.Config{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	device, err := s.Enrol(t.Context(), code, make([]byte, 32), "", "")
	if err != nil {
		t.Fatal(err)
	}
	order := config.TokenCreate{
		Data: data, Device: string(device.ID), Subject: "me", Grants: []string{"view", "talk"}, TTL: time.Minute, JSON: true,
	}
	var answer struct{ Token string }
	if err := json.Unmarshal([]byte(printed(t, CreateToken, order)[0]), &answer); err != nil {
		t.Fatal(err)
	}
	keys, err := s.SigningKeys(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	viewer, err := auth.NewKeyring(keys).Verify(answer.Token, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if viewer.Device != device.ID || viewer.Project != "default" || viewer.Subject != "me" || len(viewer.Rights) != 2 ||
		time.Until(viewer.Expires) > time.Minute {
		t.Errorf("the token says %+v", viewer)
	}
	for name, change := range map[string]func(*config.TokenCreate){
		"a right that is none": func(c *config.TokenCreate) { c.Grants = []string{"everything"} },
		"a long life":          func(c *config.TokenCreate) { c.TTL = 25 * time.Hour },
		"no life":              func(c *config.TokenCreate) { c.TTL = 0 },
		"no such device":       func(c *config.TokenCreate) { c.Device = "other" },
	} {
		wrong := order
		change(&wrong)
		var out strings.Builder
		if err := CreateToken(t.Context(), wrong, &out, silent); err == nil || out.Len() != 0 {
			t.Errorf("%s: got %v and %q", name, err, out.String())
		}
	}
	if err := s.RevokeDevice(t.Context(), "default", device.ID); err != nil {
		t.Fatal(err)
	}
	if err := CreateToken(t.Context(), order, io.Discard, silent); protocol.AsError(err) == nil || protocol.AsError(err).Code != protocol.CodeRevoked {
		t.Errorf("a removed device: got %v, want revoked", err)
	}
}

func TestCredentialsAreOneALineAndEachItsOwn(t *testing.T) {
	data := config.Data{Data: t.TempDir()}
	lines := printed(t, CreateTurnCredentials, config.TurnCredentials{Data: data, Project: "default", Count: 3, JSON: true})
	seen := map[string]bool{}
	for _, line := range lines {
		var c struct{ Username, Password, Realm string }
		if err := json.Unmarshal([]byte(line), &c); err != nil || c.Username == "" || c.Password == "" || c.Realm == "" {
			t.Errorf("got the line %q, %v", line, err)
		}
		seen[c.Username] = true
	}
	if len(lines) != 3 || len(seen) != 3 {
		t.Errorf("got %d lines with %d user names, want 3", len(lines), len(seen))
	}
	for _, count := range []int{0, -1, maxTestCredentials + 1} {
		order := config.TurnCredentials{Data: data, Project: "default", Count: count}
		if err := CreateTurnCredentials(t.Context(), order, io.Discard, silent); err == nil {
			t.Errorf("--count %d: got no error", count)
		}
	}
}

func TestProjectsAreMadeBoundedAndListed(t *testing.T) {
	data := config.Data{Data: t.TempDir()}
	printed(t, CreateProject, config.ProjectCreate{Data: data, Project: "shop"})
	gigabytes, kbps := 1.5, 4000
	order := config.ProjectSet{Data: data, Project: "shop", RelayGB: &gigabytes, RelayMaxKbps: &kbps}
	if got, want := printed(t, SetProject, order)[0], "shop: 0.000 GB through the relay this month of 1.500 GB, 4000 kbit/s each way"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	lines := printed(t, ListProjects, config.ProjectList{Data: data, JSON: true})
	var last projectLine
	if err := json.Unmarshal([]byte(lines[len(lines)-1]), &last); err != nil {
		t.Fatal(err)
	}
	if want := (projectLine{Project: "shop", BudgetBytes: 1_500_000_000, MaxKbps: 4000}); len(lines) != 2 || last != want {
		t.Errorf("got %v, want two lines with %+v", lines, want)
	}
	relayed := 90 * time.Second
	order = config.ProjectSet{Data: data, Project: "shop", Path: "relay_only", RelayDelay: &config.Delay{Given: true}, MaxRelayTime: &relayed}
	if got, want := printed(t, SetProject, order)[0], "shop: 0.000 GB through the relay this month of 1.500 GB, 4000 kbit/s each way, relay_only, relays after 0s, 1m30s on the relay"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	order = config.ProjectSet{Data: data, Project: "shop", Path: "server", RelayDelay: &config.Delay{}, JSON: true}
	if got, want := printed(t, SetProject, order)[0], `{"project":"shop","relay_budget_bytes":1500000000,"relay_used_bytes":0,"relay_exhausted":false,"relay_max_kbps":4000,"max_relay_s":90}`; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	order.Project = "nobody"
	if err := SetProject(t.Context(), order, io.Discard, silent); err == nil {
		t.Error("a project that there is not was set")
	}
}
