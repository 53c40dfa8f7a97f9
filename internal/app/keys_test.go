package app

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestKeysOfTheCommandLineHaveTheScopesAskedForAndAreListed(t *testing.T) {
	data := config.Data{Data: t.TempDir()}
	for _, c := range []config.KeyCreate{
		{Data: data, Project: "default", Name: "plain"},
		{Data: data, Project: "default", Name: "minting", Scope: []string{"tokens:write"}, TTL: time.Hour},
		{Data: data, Project: "default", Name: "operating", Operator: true},
	} {
		if key := printed(t, CreateKey, c)[0]; !strings.HasPrefix(key, "sl_live_") {
			t.Errorf("got %q", key)
		}
	}
	got := map[string][]string{}
	for _, line := range printed(t, ListKeys, config.KeyList{Data: data, Project: "default", JSON: true}) {
		var key struct {
			Name   string
			Scopes []string
		}
		if err := json.Unmarshal([]byte(line), &key); err != nil {
			t.Fatal(err)
		}
		got[key.Name] = key.Scopes
	}
	if len(got) != 3 || got["plain"] != nil || got["minting"][0] != "tokens:write" || got["operating"][0] != "operator" {
		t.Errorf("got keys %v", got)
	}
	lines := strings.Join(printed(t, ListKeys, config.KeyList{Data: data, Project: "default"}), "\n")
	for _, want := range []string{"never used", "for tokens:write, never used, good until", "operating, for operator"} {
		if !strings.Contains(lines, want) {
			t.Errorf("got\n%s\nwant %q in it", lines, want)
		}
	}
}

// A server that runs on the same records takes what another process revokes from those who look.
func TestAKeyThatIsRevokedBesideTheServerShutsItsViewersOut(t *testing.T) {
	r := serve(t, settings(t))
	p := r.partner("shop")
	device := p.device()
	made := p.ask("POST", "/v1/keys", map[string]any{}).want(201)
	token := partner{r, "shop", made.field("key")}.ask("POST", "/v1/tokens", map[string]any{"device": device}).want(201).field("token")
	if got := r.look(device, token); got != protocol.CodeOffline {
		t.Fatalf("got %s, want offline", got)
	}
	order := config.KeyRevoke{Data: r.config.Data, Project: "shop", Key: made.field("id")}
	if err := RevokeKey(t.Context(), order, silent); err != nil {
		t.Fatal(err)
	}
	tick := time.NewTicker(time.Second) // as often as a token may ask for pictures
	defer tick.Stop()
	deadline := time.After(patience)
	for r.look(device, token) != protocol.CodeRevoked {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatal("the token opens the camera as before")
		}
	}
}
