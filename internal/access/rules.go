package access

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// interval is how often the books are read: what another process changes holds here so soon.
const interval = 2 * time.Second

// Books has what the rules are made of. The store implements it.
type Books interface {
	// AllPartnerKeys returns those of all projects, with those that were revoked lately.
	AllPartnerKeys(ctx context.Context) ([]record.PartnerKey, error)
	// LiveDeviceGrants returns those of all projects that hold now.
	LiveDeviceGrants(ctx context.Context) ([]record.DeviceGrant, error)
	// DeviceTerms returns those of all devices that have any.
	DeviceTerms(ctx context.Context) (map[protocol.DeviceID]record.Terms, error)
	// RevokedKeys returns the keys, of the API and of partners, whose tokens may not have expired yet.
	RevokedKeys(ctx context.Context) ([]protocol.KeyID, error)
}

// Keyring verifies the tokens of partners. auth.Keyring implements it.
type Keyring interface {
	ReplacePartners(keys []record.PartnerKey)
}

// Config says what rules are made of, and who is told. Books and Keyring are needed.
type Config struct {
	Books   Books
	Keyring Keyring
	// Revoked is told of each key that was revoked since Load, Regrant that a grant has gone. They return when whoever has
	// lost access is out. nil is nobody.
	Revoked func(ctx context.Context, key protocol.KeyID)
	Regrant func(ctx context.Context)
	// Logger is nil for silence.
	Logger *slog.Logger
}

// Rules are what holds now. They are safe for concurrent use.
type Rules struct {
	config Config
	// grants is replaced as a whole: readers never wait.
	grants atomic.Pointer[map[share]record.DeviceGrant]
	// terms are those of devices, replaced likewise.
	terms atomic.Pointer[map[protocol.DeviceID]record.Terms]

	// asked counts those who want the books read. turn has room for one: who refreshes, until all are told that lost access.
	// served, the newest who has been, and outcome are his.
	asked   atomic.Uint64
	turn    chan struct{}
	served  uint64
	outcome error

	// mu is held while the books are read, so that an older reading never replaces a newer one. It guards what follows.
	mu      sync.Mutex
	revoked map[protocol.KeyID]bool
	failed  bool
}

// share names what a grant opens: there is one at most for a device and a project.
type share struct {
	device protocol.DeviceID
	to     protocol.ProjectID
}

// New makes rules by which nothing is shared until Load.
func New(config Config) *Rules {
	config.Logger = cmp.Or(config.Logger, slog.New(slog.DiscardHandler))
	if config.Revoked == nil {
		config.Revoked = func(context.Context, protocol.KeyID) {}
	}
	if config.Regrant == nil {
		config.Regrant = func(context.Context) {}
	}
	r := &Rules{config: config, revoked: map[protocol.KeyID]bool{}, turn: make(chan struct{}, 1)}
	r.grants.Store(&map[share]record.DeviceGrant{})
	r.terms.Store(&map[protocol.DeviceID]record.Terms{})
	return r
}

// Granted returns the grant by which a project may look at a device of another; ok is false if there is none. It never
// blocks. Whether the grant has expired is for the caller to look at.
func (r *Rules) Granted(device protocol.DeviceID, to protocol.ProjectID) (g record.DeviceGrant, ok bool) {
	g, ok = (*r.grants.Load())[share{device, to}]
	return g, ok
}

// DeviceTerms returns how a device's sessions may go, the zero value where its project alone says it. It never blocks.
func (r *Rules) DeviceTerms(device protocol.DeviceID) record.Terms { return (*r.terms.Load())[device] }

// Load reads the books and tells nobody: what was revoked before is known to whoever asks the books itself.
func (r *Rules) Load(ctx context.Context) error {
	_, err := r.read(ctx)
	return err
}

// Refresh takes up what has changed in the books, at once. It returns when whoever has lost access is out. Those who ask while
// the books are read share the next reading.
func (r *Rules) Refresh(ctx context.Context) error {
	mine := r.asked.Add(1)
	select {
	case r.turn <- struct{}{}:
		defer func() { <-r.turn }()
	case <-ctx.Done():
		return ctx.Err()
	}
	if r.served < mine {
		r.served = r.asked.Load()
		r.outcome = r.refresh(ctx)
	}
	return r.outcome
}

func (r *Rules) refresh(ctx context.Context) error {
	lost, err := r.read(ctx)
	if err != nil {
		return err
	}
	for _, key := range lost.keys {
		r.config.Revoked(ctx, key)
	}
	if lost.grants {
		r.config.Regrant(ctx)
	}
	return nil
}

// Run refreshes every two seconds until the context ends. What cannot be read stays as it was.
func (r *Rules) Run(ctx context.Context) error {
	tick := time.NewTicker(interval)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			r.report(ctx, r.Refresh(ctx))
		}
	}
}

// report logs the first of a row of failures.
func (r *Rules) report(ctx context.Context, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if err != nil && !r.failed && ctx.Err() == nil {
		r.config.Logger.Warn("keys, grants and terms not read", "err", err)
	}
	r.failed = err != nil
}

// lost is what was taken away between two readings.
type lost struct {
	keys   []protocol.KeyID
	grants bool
}

func (r *Rules) read(ctx context.Context) (l lost, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	keys, err := r.config.Books.AllPartnerKeys(ctx)
	if err != nil {
		return lost{}, fmt.Errorf("read signing keys of partners: %w", err)
	}
	list, err := r.config.Books.LiveDeviceGrants(ctx)
	if err != nil {
		return lost{}, fmt.Errorf("read device grants: %w", err)
	}
	terms, err := r.config.Books.DeviceTerms(ctx)
	if err != nil {
		return lost{}, fmt.Errorf("read terms of devices: %w", err)
	}
	revoked, err := r.config.Books.RevokedKeys(ctx)
	if err != nil {
		return lost{}, fmt.Errorf("read revoked keys: %w", err)
	}
	r.config.Keyring.ReplacePartners(keys)
	before := *r.grants.Load()
	grants := make(map[share]record.DeviceGrant, len(list))
	for _, g := range list {
		grants[share{g.Device, g.Viewer}] = g
	}
	r.grants.Store(&grants)
	r.terms.Store(&terms)
	for what, g := range before {
		l.grants = l.grants || grants[what].ID != g.ID
	}
	known := r.revoked
	r.revoked = make(map[protocol.KeyID]bool, len(revoked))
	for _, key := range revoked {
		r.revoked[key] = true
		if !known[key] {
			l.keys = append(l.keys, key)
		}
	}
	return l, nil
}
