package access

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// books are what the test says, and a keyring that remembers what it was given.
type books struct {
	// mu guards what follows.
	mu      sync.Mutex
	keys    []record.PartnerKey
	grants  []record.DeviceGrant
	revoked []protocol.KeyID
	terms   map[protocol.DeviceID]record.Terms
	broken  error
	ring    []record.PartnerKey
	told    []string
	reads   int
}

func (b *books) AllPartnerKeys(context.Context) ([]record.PartnerKey, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.reads++
	return b.keys, b.broken
}

func (b *books) LiveDeviceGrants(context.Context) ([]record.DeviceGrant, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.grants, b.broken
}

func (b *books) DeviceTerms(context.Context) (map[protocol.DeviceID]record.Terms, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.terms, b.broken
}

func (b *books) RevokedKeys(context.Context) ([]protocol.KeyID, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.revoked, b.broken
}

func (b *books) ReplacePartners(keys []record.PartnerKey) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ring = keys
}

func (b *books) change(f func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	f()
}

func (b *books) tell(what string) { b.change(func() { b.told = append(b.told, what) }) }

func newRules(t *testing.T, b *books) *Rules {
	t.Helper()
	r := New(Config{
		Books: b, Keyring: b,
		Revoked: func(_ context.Context, key protocol.KeyID) { b.tell("revoked " + string(key)) },
		Regrant: func(context.Context) { b.tell("regrant") },
	})
	if err := r.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	return r
}

func grant(id string) record.DeviceGrant {
	return record.DeviceGrant{ID: id, Device: "cam", Owner: "maker", Viewer: "shop"}
}

func TestRulesAreTakenUpAndWhoeverLosesAccessIsNamed(t *testing.T) {
	b := &books{revoked: []protocol.KeyID{"old"}}
	r := newRules(t, b)
	if _, ok := r.Granted("cam", "shop"); ok {
		t.Error("a device is shared that nobody shares")
	}
	refresh := func(change func(), want ...string) {
		t.Helper()
		b.change(func() {
			b.told = nil
			change()
		})
		if err := r.Refresh(t.Context()); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, b.told); diff != "" {
			t.Errorf("who was told differs:\n%s", diff)
		}
	}
	refresh(func() { b.grants, b.keys = []record.DeviceGrant{grant("g1")}, []record.PartnerKey{{ID: "k"}} })
	if g, ok := r.Granted("cam", "shop"); !ok || g.ID != "g1" || len(b.ring) != 1 {
		t.Errorf("got grant %+v, %t and keys %v", g, ok, b.ring)
	}
	if _, ok := r.Granted("cam", "maker"); ok {
		t.Error("a grant is good for whoever asks")
	}
	refresh(func() {})
	refresh(func() { b.grants = []record.DeviceGrant{grant("g2")} }, "regrant") // another one may allow less
	refresh(func() { b.revoked = append(b.revoked, "fresh") }, "revoked fresh")
	refresh(func() { b.grants = nil }, "regrant")
	refresh(func() {})
}

func TestRulesStayWhenTheBooksCannotBeRead(t *testing.T) {
	b := &books{grants: []record.DeviceGrant{grant("g")}}
	r := newRules(t, b)
	b.change(func() { b.broken = errors.New("no disk") })
	if err := r.Refresh(t.Context()); err == nil {
		t.Error("got no error")
	}
	if _, ok := r.Granted("cam", "shop"); !ok {
		t.Error("a grant went with the disk")
	}
}

func TestWhatOthersChangeIsTakenUpInSeconds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		r := newRules(t, b)
		ctx, cancel := context.WithCancel(t.Context())
		var run sync.WaitGroup
		run.Go(func() {
			if err := r.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		b.change(func() { b.grants = []record.DeviceGrant{grant("g")} })
		time.Sleep(interval + time.Millisecond)
		if _, ok := r.Granted("cam", "shop"); !ok {
			t.Error("the grant is not known")
		}
		cancel()
		run.Wait()
	})
}

func TestTermsOfDevicesAreThoseOfTheLastReading(t *testing.T) {
	b := &books{}
	r := New(Config{Books: b, Keyring: b})
	if got := r.DeviceTerms("cam"); got != (record.Terms{}) {
		t.Errorf("got %+v before anything was read", got)
	}
	want := record.Terms{Path: protocol.PathDirectOnly}
	b.change(func() { b.terms = map[protocol.DeviceID]record.Terms{"cam": want} })
	if err := r.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := r.DeviceTerms("cam"); got != want || r.DeviceTerms("other") != (record.Terms{}) {
		t.Errorf("got %+v, want %+v for this camera alone", got, want)
	}
}

func TestWhoeverAsksMeanwhileWaitsForTheEndAndSharesTheNextReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &books{}
		r := newRules(t, b)
		telling := make(chan struct{})
		r.config.Revoked = func(context.Context, protocol.KeyID) { <-telling }
		b.change(func() { b.revoked, b.reads = []protocol.KeyID{"k1"}, 0 })
		var done sync.WaitGroup
		returned := make(chan error, 101)
		ask := func() { done.Go(func() { returned <- r.Refresh(t.Context()) }) }
		ask()
		synctest.Wait() // it has read of k1, whose viewers are not out yet
		for range 100 {
			ask()
		}
		synctest.Wait()
		if len(returned) > 0 {
			t.Error("somebody was told that k1 is out")
		}
		close(telling)
		done.Wait()
		close(returned)
		for err := range returned {
			if err != nil {
				t.Error(err)
			}
		}
		if b.reads != 2 {
			t.Errorf("the books were read %d times, want 2", b.reads)
		}
	})
}
