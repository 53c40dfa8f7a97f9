package device

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

var filtered = protocol.Fallback{Reason: protocol.FallbackStatus, Detail: "HTTP 200"}

func TestNetworksAreRememberedForADay(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var log kept
		n := newNetworks(state{dir}, log.logger())
		if _, ok := n.Recall("home"); ok {
			t.Error("something is remembered before anything was kept")
		}
		n.Keep("home", filtered)
		if got, ok := newNetworks(state{dir}, log.logger()).Recall("home"); !ok || got != filtered {
			t.Errorf("after a restart: got %+v, %v", got, ok)
		}
		time.Sleep(networkLife + time.Second)
		if _, ok := n.Recall("home"); ok {
			t.Error("it is remembered for ever")
		}
		n.Keep("home", filtered)
		n.Forget("home")
		if _, ok := n.Recall("home"); ok {
			t.Error("it is not forgotten")
		}
		if log.String() != "" {
			t.Errorf("the log has %s", &log)
		}
	})
}

func TestNetworksAreFewAndTheNewest(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		n := newNetworks(state{dir}, new(kept).logger())
		for i := range maxNetworks + 5 {
			n.Keep(fmt.Sprint(i), filtered)
			time.Sleep(time.Second)
		}
		if all := n.read(); len(all) != maxNetworks {
			t.Errorf("%d are kept", len(all))
		}
		if _, ok := n.Recall("4"); ok {
			t.Error("the oldest are kept")
		}
		if _, ok := n.Recall(fmt.Sprint(maxNetworks + 4)); !ok {
			t.Error("the newest is not")
		}
	})
}

func TestMemoryIsNotWornOutByWhatItHas(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, networksFile)
	synctest.Test(t, func(t *testing.T) {
		n := newNetworks(state{dir}, new(kept).logger())
		n.Keep("home", filtered)
		before, _ := os.ReadFile(path)
		time.Sleep(time.Minute)
		n.Keep("home", filtered)
		if after, _ := os.ReadFile(path); !bytes.Equal(before, after) {
			t.Error("it was written again")
		}
		time.Sleep(networkRefresh)
		n.Keep("home", filtered)
		if after, _ := os.ReadFile(path); bytes.Equal(before, after) {
			t.Error("it is never refreshed")
		}
	})
}

func TestDamagedMemoryIsNoneAndIsSaid(t *testing.T) {
	for _, text := range []string{"", "{", `{"home":{"why":{"reason":"fashion"},"at":"2026-01-01T00:00:00Z"}}`, `[]`} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, networksFile), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var log kept
		n := newNetworks(state{dir}, log.logger())
		if _, ok := n.Recall("home"); ok || !strings.Contains(log.String(), "remembered networks not read") {
			t.Errorf("%q: recalled %v, the log has %q", text, ok, &log)
		}
		n.Keep("home", filtered)
		if _, ok := n.Recall("home"); !ok {
			t.Errorf("%q is not replaced", text)
		}
	}
}

func TestMemoryFromTheFutureIsNone(t *testing.T) {
	dir := t.TempDir()
	n := newNetworks(state{dir}, new(kept).logger())
	n.write(map[string]network{"home": {Why: filtered, At: time.Now().Add(time.Hour)}})
	if _, ok := n.Recall("home"); ok {
		t.Error("a clock that was wrong makes a network remembered for long")
	}
}

func FuzzNetworks(f *testing.F) {
	f.Add([]byte(`{"home":{"why":{"reason":"status"},"at":"2026-01-01T00:00:00Z"}}`))
	f.Add([]byte(`null`))
	f.Fuzz(func(t *testing.T, text []byte) {
		all, err := decodeNetworks(text)
		if err != nil {
			return
		}
		if all == nil || len(all) > maxNetworks {
			t.Fatalf("got %d entries of %q", len(all), text)
		}
		for _, known := range all {
			if !known.Why.Reason.Known() {
				t.Fatalf("got the reason %q", known.Why.Reason)
			}
		}
	})
}
