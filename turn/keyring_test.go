package turn

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func secretOf(id string, created time.Time) record.RelaySecret {
	return record.RelaySecret{ID: id, Secret: []byte(strings.Repeat(id[:1], 32)), Created: created}
}

func TestASecretSignsOnceEverybodyKnowsIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		first, second := secretOf("a", time.Now()), secretOf("b", time.Now().Add(time.Hour))
		keys, err := NewKeyring([]record.RelaySecret{first})
		if err != nil {
			t.Fatal(err)
		}
		signer := func() string {
			name, err := ParseUsername(keys.Mint(grantA, protocol.RoleViewer, time.Now()).Username)
			if err != nil {
				t.Fatal(err)
			}
			return name.Key
		}
		if got := signer(); got != "a" {
			t.Errorf("the only one: got %s", got)
		}
		time.Sleep(time.Hour)
		if err := keys.Replace([]record.RelaySecret{first, second}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		if got := signer(); got != "a" {
			t.Errorf("at once: got %s", got)
		}
		time.Sleep(secretSettles)
		if got := signer(); got != "b" {
			t.Errorf("%s later: got %s", secretSettles, got)
		}
	})
}

func TestAnOldSecretAllocatesForAnOverlapAndServesAllocationsUntilTheirEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		first, second := secretOf("a", begin), secretOf("b", begin.Add(time.Hour))
		keys, err := NewKeyring([]record.RelaySecret{first})
		if err != nil {
			t.Fatal(err)
		}
		creds := keys.Mint(grantA, protocol.RoleViewer, begin)
		verifies := func() bool {
			_, password, err := keys.Verify(creds.Username)
			return err == nil && password == creds.Password
		}
		want := func(when string, allocates, serves bool) {
			t.Helper()
			if got := keys.allocates("a", time.Now()); got != allocates {
				t.Errorf("%s: allocates %v", when, got)
			}
			if got := verifies(); got != serves {
				t.Errorf("%s: verifies %v", when, got)
			}
		}
		time.Sleep(time.Hour)
		if err := keys.Replace([]record.RelaySecret{first, second}, time.Time{}); err != nil {
			t.Fatal(err)
		}
		want("rotated", true, true)
		time.Sleep(record.RelaySecretOverlap)
		want("after the overlap", false, true)
		if err := keys.Replace([]record.RelaySecret{second}, begin); err != nil {
			t.Fatal(err)
		}
		want("dropped, with an allocation", false, true)
		time.Sleep(time.Minute)
		if err := keys.Replace([]record.RelaySecret{second}, time.Now()); err != nil {
			t.Fatal(err)
		}
		want("dropped, with a later allocation only", false, false)
		if err := keys.Replace(nil, time.Time{}); err == nil {
			t.Error("an empty ring is taken")
		}
		if !keys.allocates("b", time.Now()) {
			t.Error("the last secrets are gone with those that were not taken")
		}
	})
}

func TestSecretsRotateUnderARunningServer(t *testing.T) {
	old, fresh := secretOf("old", time.Unix(1, 0)), secretOf("new", time.Unix(2, 0))
	stored := []record.RelaySecret{old}
	h := start(t, func(c *Config) {
		c.Secrets = stored
		c.Reload = func(context.Context) ([]record.RelaySecret, error) { return stored, nil }
	})
	running := h.dialRaw(t, h.credentials(t, grantA, protocol.RoleViewer))
	running.allocate()
	before := h.credentials(t, grantA, protocol.RoleDevice)

	stored = []record.RelaySecret{fresh}
	h.reload(t.Context())
	if code := running.request(stun.MethodRefresh); code != 0 {
		t.Errorf("a refresh of what the old secret allocated: got %d", code)
	}
	if code := h.dialRaw(t, before).request(stun.MethodAllocate, transport(17)); code != 400 {
		t.Errorf("an allocation by the old secret: got %d, want 400", code)
	}
	after := h.credentials(t, grantA, protocol.RoleViewer)
	if !strings.Contains(after.Username, ":new.") {
		t.Errorf("credentials are %s, of another secret than the new one", after)
	}
	if code := h.dialRaw(t, after).request(stun.MethodAllocate, transport(17)); code != 0 {
		t.Errorf("an allocation by the new secret: got %d", code)
	}
}
