package signal

import (
	"container/list"
	"context"
	"crypto/rand"
	"encoding/hex"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// sweepInterval is how often leases, silent sessions and old credentials are looked for.
const sweepInterval = time.Second

// Hub pairs devices with viewers. It is safe for concurrent use.
type Hub struct {
	config Config
	replay auth.ReplayGuard
	// history has a lock of its own, so that nothing waits for it.
	history history
	// admission has locks of its own too: a flood of newcomers must not hold up those who are in.
	admission *admission
	budget    *budget
	// album has a lock of its own, posters too: the pace of pictures by the ID of viewers' tokens.
	album   *album
	posters *throttle.Table[string]
	quota   quota
	figures *figures
	// whep has a lock of its own.
	whep *whepDoor
	// work counts the goroutines of sockets and writers.
	work sync.WaitGroup
	// news has a token where somebody should look at untold at once.
	news chan struct{}
	// hurry is closed by Abort.
	hurry   chan struct{}
	hurried sync.Once

	// mu guards what follows and the logical state of clients, devices and sessions. Under it nothing is called
	// that can block; a client's own mutex may be taken.
	mu       sync.Mutex
	running  bool
	stopping bool // no new links
	ending   bool // all links are being closed
	clients  map[protocol.LinkID]*client
	devices  map[protocol.DeviceID]*device
	sessions map[protocol.SessionID]*session
	// opened counts them by project.
	opened map[protocol.ProjectID]int
	// late are the sessions that ended a moment ago, of which the device may have something to tell.
	late map[protocol.SessionID]*session
	// untold are the devices of which there may be something to tell, or was a moment ago, unkept the sessions of whose end it does not know.
	untold map[protocol.DeviceID]*device
	unkept map[protocol.SessionID]*session
	// parked are the clients whose link has no socket, the longest without one first; graves the links that ended.
	parked *list.List
	graves graves
	// homes counts the parked clients by where they last came from.
	homes map[netip.Prefix]int
	// strangers are the sockets that have not said hello.
	strangers map[*webSocket]bool
	// prospects are those of the long poll door; a link has one at most.
	prospects map[protocol.LinkID]*pollSocket
	// fetched are the relay grants that wait for viewers of the KVS door, by fetchKey.
	fetched map[string]fetched
	// fetchedOf counts them by project.
	fetchedOf map[protocol.ProjectID]int
	// revoked are the API keys whose tokens are refused; removed the devices that were revoked while the hub ran, of
	// which a hello that began before may still come.
	revoked map[protocol.KeyID]bool
	removed map[protocol.DeviceID]bool
}

// New makes a hub that serves after Load, under Run.
func New(config Config) *Hub {
	config = config.withDefaults()
	return &Hub{
		config:    config,
		hurry:     make(chan struct{}),
		news:      make(chan struct{}, 1),
		admission: newAdmission(config),
		budget:    newBudget(config.QueueBytes),
		album:     newAlbum(config.AlbumBytes),
		posters:   throttle.NewTable[string](posterPace, maxPosterTokens),
		figures:   newFigures(),
		whep:      newWHEPDoor(),
		homes:     map[netip.Prefix]int{},
		parked:    list.New(),
		graves:    graves{byLink: map[protocol.LinkID]grave{}, most: config.MaxParked},
		clients:   map[protocol.LinkID]*client{},
		devices:   map[protocol.DeviceID]*device{},
		sessions:  map[protocol.SessionID]*session{},
		opened:    map[protocol.ProjectID]int{},
		late:      map[protocol.SessionID]*session{},
		untold:    map[protocol.DeviceID]*device{},
		unkept:    map[protocol.SessionID]*session{},
		strangers: map[*webSocket]bool{},
		prospects: map[protocol.LinkID]*pollSocket{},
		fetched:   map[string]fetched{},
		fetchedOf: map[protocol.ProjectID]int{},
		revoked:   map[protocol.KeyID]bool{},
		removed:   map[protocol.DeviceID]bool{},
	}
}

// Load reads what an earlier process left: open sessions, which their ends will want to go on with, and revoked keys,
// whose sessions it ends. Connections that were open are noted as lost with that process.
func (h *Hub) Load(ctx context.Context) error {
	open, err := h.config.Sessions.Open(ctx)
	if err != nil {
		return fmt.Errorf("load open sessions: %w", err)
	}
	revoked, err := h.config.Directory.RevokedKeys(ctx)
	if err != nil {
		return fmt.Errorf("load revoked keys: %w", err)
	}
	if err := h.config.Directory.LoseConnections(ctx); err != nil {
		return fmt.Errorf("load connections: %w", err)
	}
	present, err := h.config.Directory.Present(ctx)
	if err != nil {
		return fmt.Errorf("load presence: %w", err)
	}
	h.adoptRows(open, revoked, time.Now())
	h.expect(present, time.Now())
	h.finishAll(ctx, protocol.ReasonRevoked, h.sessions, func(s *session) bool { return h.revoked[s.row.Key] })
	return nil
}

// adoptRows makes the sessions of an earlier process known. Their ends have at least MediaTimeout to come back.
func (h *Hub) adoptRows(open []record.Session, revoked []protocol.KeyID, now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, row := range open {
		if least := now.Add(h.config.MediaTimeout); row.Expires.Before(least) {
			row.Expires = least
		}
		s := newSession(row, now)
		s.opened, s.terms = true, h.plan(row.PaidBy()).For(row.Terms)
		s.relayless = s.terms.Path == protocol.PathDirectOnly
		s.onRelay, _ = row.Account.On(protocol.PathRelay)
		h.addLocked(s)
	}
	for _, key := range revoked {
		h.revoked[key] = true
	}
	h.running = true // who was told that the server is ready must not be sent away for want of a Run
}

// Run serves until the context ends. Then it asks every client to come back elsewhere or later, closes the links and
// returns when all of the hub's goroutines have. Sessions stay open in the store.
func (h *Hub) Run(ctx context.Context) error {
	h.mu.Lock()
	h.running = true
	h.mu.Unlock()
	base := context.WithoutCancel(ctx)
	over := make(chan struct{}) // all links
	var work sync.WaitGroup
	work.Go(func() { h.sweepUntil(base, over) })
	work.Go(func() { h.relieveUntil(over) })
	work.Go(func() { h.tellUntil(base, over) })
	<-ctx.Done()
	work.Go(func() {
		select {
		case <-h.hurry:
			h.cut()
		case <-over:
		}
	})
	start := time.Now()
	links := h.drain()
	h.work.Wait()
	close(over)
	work.Wait()
	h.work.Wait() // what cut has begun
	h.saveBooks(base, time.Now(), 0)
	h.keepEnds(base)
	err := h.saveLast(base)
	h.config.Logger.Info("hub drained", "links", links, "took", time.Since(start).Round(time.Millisecond))
	return err
}

// sweepUntil looks for what is due as long as there are links.
func (h *Hub) sweepUntil(ctx context.Context, over <-chan struct{}) {
	ticker := time.NewTicker(sweepInterval)
	defer ticker.Stop()
	for {
		select {
		case <-over:
			return
		case now := <-ticker.C:
			h.sweep(ctx, now)
		}
	}
}

// Ready reports whether the hub takes new links.
func (h *Hub) Ready() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.running && !h.stopping
}

// Counts says how much the hub holds: links with a socket by role, links that wait for one, and open sessions.
type Counts struct{ Devices, Viewers, Parked, Sessions int }

// Counts returns how much the hub holds.
func (h *Hub) Counts() Counts {
	h.mu.Lock()
	defer h.mu.Unlock()
	counts := Counts{Parked: h.parked.Len(), Sessions: len(h.sessions)}
	for _, c := range h.clients {
		switch {
		case c.parked != nil:
		case c.role == protocol.RoleDevice:
			counts.Devices++
		default:
			counts.Viewers++
		}
	}
	return counts
}

// newSecret returns 128 random bits in hexadecimal digits.
func newSecret() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
