package turn

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

func TestCredentialsAreThoseOfTURNREST(t *testing.T) {
	keys, err := NewKeyring(testSecrets)
	if err != nil {
		t.Fatal(err)
	}
	got := keys.Mint(grantA, protocol.RoleViewer, time.Unix(1700000000, 999))
	// printf '%s' "$username" | openssl dgst -sha1 -hmac 01234567890123456789 -binary | base64
	want := Credentials{
		Username: "1700000000:k1.00000000000000000000000000000aaa.viewer",
		Password: "i5i4Cq6ms4XZ08qnXQIzeLCBpjw=",
	}
	if got.Username != want.Username || got.Password != want.Password {
		t.Errorf("got %s %s, want %s %s", got.Username, got.Password, want.Username, want.Password)
	}
}

func TestCredentialsDoNotPrintTheirPassword(t *testing.T) {
	c := Credentials{Username: "name", Password: "hidden"}
	for _, s := range []string{fmt.Sprint(c), fmt.Sprintf("%+v", c), fmt.Sprintf("%#v", c), c.LogValue().String()} {
		if s != "name" {
			t.Errorf("got %q", s)
		}
	}
}

func TestNewestSecretSignsAndAllVerify(t *testing.T) {
	older := record.RelaySecret{ID: "old", Secret: []byte(strings.Repeat("o", 32)), Created: time.Unix(1, 0)}
	newer := record.RelaySecret{ID: "new", Secret: []byte(strings.Repeat("n", 32)), Created: time.Unix(2, 0)}
	alone, err := NewKeyring([]record.RelaySecret{older})
	if err != nil {
		t.Fatal(err)
	}
	both, err := NewKeyring([]record.RelaySecret{newer, older})
	if err != nil {
		t.Fatal(err)
	}
	before := alone.Mint(grantA, protocol.RoleDevice, time.Unix(100, 0))
	if _, password, err := both.Verify(before.Username); err != nil || password != before.Password {
		t.Errorf("what the older secret signed: got %q, %v", password, err)
	}
	after := both.Mint(grantA, protocol.RoleDevice, time.Unix(100, 0))
	name, password, err := both.Verify(after.Username)
	if err != nil || password != after.Password {
		t.Fatalf("what the newer secret signed: got %q, %v", password, err)
	}
	want := Username{Expires: time.Unix(100, 0).UTC(), Key: "new", Grant: grantA, Role: protocol.RoleDevice}
	if name != want {
		t.Errorf("got %+v, want %+v", name, want)
	}
	if _, _, err := alone.Verify(after.Username); err == nil {
		t.Error("a key that is not on the ring verifies")
	}
}

func TestKeyringRefusesBadSecrets(t *testing.T) {
	good := testSecrets[0]
	for name, secrets := range map[string][]record.RelaySecret{
		"none":    nil,
		"short":   {{ID: "a", Secret: []byte("short")}},
		"no ID":   {{Secret: good.Secret}},
		"bad ID":  {{ID: "a.b", Secret: good.Secret}},
		"doubled": {good, good},
	} {
		if _, err := NewKeyring(secrets); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}

func TestUsernamesOfOtherFormsAreRefused(t *testing.T) {
	for _, s := range []string{
		"", ":", "1:", "1:k", "1:k.", "1:k." + string(grantA), "1:k." + string(grantA) + ".", "1:k." + string(grantA) + ".admin",
		"1:k." + string(grantA) + ".viewer.", "+1:k." + string(grantA) + ".viewer", "01:k." + string(grantA) + ".viewer",
		"-1:k." + string(grantA) + ".viewer", "1:." + string(grantA) + ".viewer", "1:k." + strings.ToUpper(string(grantA)) + ".viewer",
		"99999999999999999999:k." + string(grantA) + ".viewer", " 1:k." + string(grantA) + ".viewer",
		"1:" + strings.Repeat("k", 65) + "." + string(grantA) + ".viewer",
	} {
		if u, err := ParseUsername(s); err == nil {
			t.Errorf("%q is read as %+v", s, u)
		}
	}
}

func FuzzUsernameReadsOnlyWhatItWrites(f *testing.F) {
	f.Add("1700000000:k1." + string(grantA) + ".viewer")
	f.Add("0:k." + string(grantA) + ".device")
	f.Add("01:k." + string(grantA) + ".device")
	f.Add("1:k.x.viewer")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseUsername(s)
		if err != nil {
			return
		}
		if got := u.String(); got != s {
			t.Errorf("%q is written as %q", s, got)
		}
		if !u.Grant.Valid() || !u.Role.Valid() || u.Key == "" {
			t.Errorf("%q is read as %+v", s, u)
		}
	})
}
