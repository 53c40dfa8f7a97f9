package auth

import (
	"crypto/ed25519"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
)

const testHub = "https://hub.example"

func isTestHub(audience string) bool { return audience == testHub }

func TestDeviceTokenVerifies(t *testing.T) {
	key := newSigningKey(t, "", testTime).Private
	public := key.Public().(ed25519.PublicKey)
	token, err := SignDevice(key, "cam", testHub, testTime)
	if err != nil {
		t.Fatal(err)
	}
	if device, err := DeviceOf(token); err != nil || device != "cam" {
		t.Errorf("got device %q, %v; want cam", device, err)
	}
	got, err := VerifyDevice(token, "cam", public, isTestHub, testTime.Add(time.Second))
	want := DeviceToken{Device: "cam", Audience: testHub, ID: got.ID, Issued: testTime, Expires: testTime.Add(protocol.DeviceTokenLife)}
	if diff := cmp.Diff(want, got); err != nil || got.ID == "" || diff != "" {
		t.Errorf("got error %v, id %q and differences:\n%s", err, got.ID, diff)
	}
}

func TestDeviceWithAWrongClockLearnsTheTime(t *testing.T) {
	key := newSigningKey(t, "", testTime).Private
	public := key.Public().(ed25519.PublicKey)
	for _, test := range []struct {
		ahead time.Duration
		good  bool
	}{
		{-time.Hour, false},
		{-60 * time.Second, false},
		{-59 * time.Second, true},
		{30 * time.Second, true},
		{31 * time.Second, false},
		{time.Hour, false},
	} {
		t.Run(test.ahead.String(), func(t *testing.T) {
			token, err := SignDevice(key, "cam", testHub, testTime.Add(test.ahead))
			if err != nil {
				t.Fatal(err)
			}
			_, err = VerifyDevice(token, "cam", public, isTestHub, testTime)
			if test.good {
				if err != nil {
					t.Errorf("got %v, want it accepted", err)
				}
				return
			}
			wantCode(t, err, protocol.CodeClockSkew)
			if got := protocol.AsError(err).Now; !got.Equal(testTime) {
				t.Errorf("got now %s, want %s", got, testTime)
			}
		})
	}
}

func TestForgedDeviceTokensAreRefused(t *testing.T) {
	key := newSigningKey(t, "", testTime).Private
	public := key.Public().(ed25519.PublicKey)
	good := func(text string) []byte { return ed25519.Sign(key, []byte(text)) }
	claims := func(name string, value any) map[string]any {
		c := map[string]any{"iss": "cam", "aud": testHub, "iat": testTime.Unix(), "exp": testTime.Unix() + 60, "jti": "t1"}
		if c[name] = value; value == nil {
			delete(c, name)
		}
		return c
	}
	header := map[string]any{"alg": "EdDSA"}
	if _, err := VerifyDevice(forge(t, header, claims("iss", "cam"), good), "cam", public, isTestHub, testTime); err != nil {
		t.Fatalf("the honest token: %v", err)
	}
	hourAgo := testTime.Add(-time.Hour)
	stale, err := SignDevice(newSigningKey(t, "", testTime).Private, "cam", testHub, hourAgo)
	if err != nil {
		t.Fatal(err)
	}
	for name, token := range map[string]string{
		"another key, stale": stale,
		"no algorithm":       forge(t, map[string]any{"alg": "none"}, claims("iss", "cam"), nil),
		"another device":     forge(t, header, claims("iss", "other"), good),
		"another hub":        forge(t, header, claims("aud", "https://other.example"), good),
		"no hub":             forge(t, header, claims("aud", nil), good),
		"lives too long":     forge(t, header, claims("exp", testTime.Unix()+61), good),
		"ends before it is":  forge(t, header, claims("exp", testTime.Unix()-1), good),
		"far future":         forge(t, header, claims("exp", 1e300), good),
		"no issue time":      forge(t, header, claims("iat", nil), good),
		"no expiry":          forge(t, header, claims("exp", nil), good),
		"no id":              forge(t, header, claims("jti", nil), good),
		"endless id":         forge(t, header, claims("jti", strings.Repeat("x", 1000)), good),
		"over the limit":     forge(t, header, claims("pad", strings.Repeat("x", protocol.MaxTokenBytes)), good),
		"garbage":            "garbage",
	} {
		t.Run(name, func(t *testing.T) {
			_, err := VerifyDevice(token, "cam", public, isTestHub, testTime)
			wantCode(t, err, protocol.CodeBadToken)
		})
	}
	if _, err := VerifyDevice(forge(t, header, claims("iss", "cam"), good), "cam", nil, isTestHub, testTime); err == nil {
		t.Error("accepted without a public key")
	}
}

func TestReplayedTokenIsRefusedForAsLongAsItCouldBeUsed(t *testing.T) {
	var guard ReplayGuard
	token := DeviceToken{Device: "cam", ID: "t1"}
	for _, after := range []time.Duration{0, replayWindow / 2, replayWindow - 1} {
		// Others come and go, so that the windows turn at bad moments too.
		if err := guard.Use(DeviceToken{Device: "other", ID: after.String()}, testTime.Add(after)); err != nil {
			t.Fatal(err)
		}
	}
	used := testTime.Add(replayWindow - 1)
	if err := guard.Use(token, used); err != nil {
		t.Fatalf("first use: %v", err)
	}
	for _, after := range []time.Duration{0, time.Second, replayWindow / 2, replayWindow - 1} {
		wantCode(t, guard.Use(token, used.Add(after)), protocol.CodeBadToken)
	}
	if err := guard.Use(DeviceToken{Device: "cam2", ID: "t1"}, used); err != nil {
		t.Errorf("another device's token of the same id: %v", err)
	}
	if err := guard.Use(token, used.Add(10*replayWindow)); err != nil {
		t.Errorf("long after: %v", err)
	}
}

func TestReplayGuardIsBounded(t *testing.T) {
	var guard ReplayGuard
	for i := range maxReplayIDs {
		if err := guard.Use(DeviceToken{Device: "cam", ID: fmt.Sprint(i)}, testTime); err != nil {
			t.Fatal(err)
		}
	}
	err := guard.Use(DeviceToken{Device: "cam", ID: "one more"}, testTime)
	wantCode(t, err, protocol.CodeRateLimited)
	if protocol.AsError(err).RetryMS != replayWindow.Milliseconds() {
		t.Errorf("got %v, want a time to come back", err)
	}
	if err := guard.Use(DeviceToken{Device: "cam", ID: "one more"}, testTime.Add(replayWindow)); err != nil {
		t.Errorf("after the window: %v", err)
	}
}

func FuzzDeviceOf(f *testing.F) {
	key := newSigningKey(f, "", testTime).Private
	token, err := SignDevice(key, "cam", testHub, testTime)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(token)
	f.Add("..")
	f.Fuzz(func(t *testing.T, text string) {
		if device, err := DeviceOf(text); err == nil && !device.Valid() {
			t.Errorf("got device %q", device)
		}
	})
}
