package app

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/sightline-rtc/sightline/api"
	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/access"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/front"
	"github.com/sightline-rtc/sightline/internal/obs"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/internal/usage"
	"github.com/sightline-rtc/sightline/internal/webhook"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
	"github.com/sightline-rtc/sightline/signal"
	"github.com/sightline-rtc/sightline/turn"
	"github.com/sightline-rtc/sightline/web"
)

// defaultMetrics is where /metrics is when nothing else is said.
const defaultMetrics = "127.0.0.1:9464"

// Server is the whole server in one process.
type Server struct {
	config config.Serve
	logger *slog.Logger
	node   protocol.NodeID

	store    *store.Store
	plans    *usage.Plans
	access   *access.Rules
	relay    *turn.Server
	hub      *signal.Hub
	webhooks *webhook.Worker
	http     *http.Server
	metrics  *http.Server

	listener, metricsListener net.Listener
	// certificate is nil without TLS; ports are those that need more than a listener, entrances those of them for TURN.
	certificate *front.Certificate
	ports       []*front.Port
	entrances   []turn.Entrance
	url         string
	names       *names
	ready       atomic.Bool
	// hurried is closed by Abort.
	hurried chan struct{}
	abort   sync.Once
}

// Ready is what a server prints once it serves.
type Ready struct {
	Ready bool            `json:"ready"`
	URL   string          `json:"url"`
	Turn  []string        `json:"turn"`
	Node  protocol.NodeID `json:"node"`
}

// Open opens the store, binds every socket and joins the parts. It fails here, before anybody is told that the server
// is ready. What it has opened is closed by Run or Close, or at once when it fails.
func Open(ctx context.Context, c config.Serve, logger *slog.Logger) (s *Server, err error) {
	s = &Server{config: c, logger: logger, node: newNode(), hurried: make(chan struct{})}
	defer func() { //nolint:contextcheck // closing is not cut short
		if err != nil {
			err = errors.Join(err, s.Close())
			s = nil
		}
	}()
	records := store.Config{Durable: c.Sync == "full", Tariff: c.Tariff(), Logger: logger}
	if s.store, err = openStore(ctx, c.Data, records); err != nil {
		return s, err
	}
	signing, err := s.store.SigningKeys(ctx)
	if err != nil {
		return s, err
	}
	secrets, err := s.store.RelaySecrets(ctx)
	if err != nil {
		return s, err
	}
	s.plans = usage.New(usage.Config{Books: s.store, Terms: c.Terms(), LowKbps: c.LowBudgetKbps, Changed: s.replan, Logger: logger})
	if err := s.plans.Load(ctx); err != nil {
		return s, err
	}
	if err := s.listen(ctx); err != nil {
		return s, err
	}
	if err := s.openRelay(secrets); err != nil { //nolint:contextcheck // it binds at once
		return s, err
	}
	keyring := auth.NewKeyring(signing)
	s.access = access.New(access.Config{
		Books: s.store, Keyring: keyring, Logger: logger,
		Revoked: func(ctx context.Context, key protocol.KeyID) { s.hub.RevokeKey(ctx, key) },
		Regrant: func(ctx context.Context) { s.hub.Regrant(ctx) },
	})
	if err := s.access.Load(ctx); err != nil {
		return s, err
	}
	everybody, devices := otherSTUN(s.relay.STUN(), c.STUNURL, c.TurnAltPort)
	s.hub = signal.New(signal.Config{
		Directory: s.store, Sessions: s.store.Sessions(), Relay: s.relay, Tokens: keyring, Plans: s.plans, Grants: s.access,
		Node: s.node, Audience: s.names.has, Origins: c.Origins, STUN: everybody, DeviceSTUN: devices,
		NoFillIn: !c.IPv6FillIn, ClientAddress: s.clientAddress,
		AcceptRate: c.AcceptRate, AddressRate: c.AddressRate, ProjectRate: c.ProjectRate,
		QueueBytes:    int64(c.QueueMemory),
		DrainDeadline: c.DrainDeadline, Logger: logger,
	})
	if err := s.hub.Load(ctx); err != nil {
		return s, err
	}
	s.webhooks, err = webhook.New(webhook.Config{Store: s.store, Guard: webhook.Guard{Loopback: c.WebhookLocal}, Logger: logger})
	if err != nil {
		return s, err
	}
	rest, err := api.New(api.Config{
		Keys: s.store, Claims: s.store, PartnerKeys: s.store, Projects: s.store, Devices: s.store, DeviceGrants: s.store, Access: s.access,
		Enrolments: s.store,
		Sessions:   sessions{s.store.Sessions(), s.relay}, Events: s.store, Usage: s.store, Budgets: s.store, Hub: s.hub, Snapshots: s.hub, Tokens: keyring,
		Webhooks: s.store, Courier: s.webhooks,
		Price:         api.Price{PerGB: c.RelayPrice, Currency: c.RelayCurrency},
		Rates:         api.Rates{Key: c.APIKeyRate, Project: c.APIProjectRate},
		ClientAddress: s.clientAddress, Logger: logger,
	})
	if err != nil {
		return s, err
	}
	pages, err := web.Handler()
	if err != nil {
		return s, err
	}
	s.http = s.serverOf(s.routes(rest.Handler(), pages))
	s.http.RegisterOnShutdown(rest.End)
	counters := obs.Counters(slices.Concat(s.counters(), s.quotaCounters(), s.webhookCounters()))
	s.metrics = s.serverOf(obs.MetricsHandler(obs.NewMetrics(
		slices.Concat(s.gauges(), s.quotaGauges(), s.webhookGauges()), slices.Concat(s.relay.Collectors(), s.hub.Collectors(), counters)...)))
	s.ready.Store(true)
	return s, nil
}

func (s *Server) openRelay(secrets []record.RelaySecret) error {
	relay, err := turn.New(turn.Config{
		Listen: s.config.TurnListen, PublicIPs: s.config.PublicIP, Entrances: s.entrances,
		AltPort:      s.config.TurnAltPort,
		MinRelayPort: s.config.RelayPorts.Min, MaxRelayPort: s.config.RelayPorts.Max,
		Secrets: secrets, Reload: s.store.RelaySecrets, AllowPeers: s.config.AllowPeers, Peers: turn.PeerMode(s.config.RelayPeers), Ledger: s.store, Lookup: s.grant, Logger: s.logger,
	})
	if err != nil {
		return fmt.Errorf("configure relay: %w", err)
	}
	if err := relay.Listen(); err != nil {
		return bindError("--turn-listen", err)
	}
	s.relay = relay
	return nil
}

// Ready tells where the server is reached.
func (s *Server) Ready() Ready {
	return Ready{Ready: true, URL: s.url, Turn: s.relay.URLs(), Node: s.node}
}

// Records are what the server keeps, for a tool in the same process that writes what the hub would.
func (s *Server) Records() *store.Store { return s.store }

// serverOf makes an HTTP server with bounds that a slow or hostile client cannot get around. A WebSocket has none of
// them: it leaves the server when it opens. 1 MB of pages in two minutes is 70 kbit/s, slower than any picture.
func (s *Server) serverOf(handler http.Handler) *http.Server {
	return &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      2 * time.Minute,
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    16 << 10,
		ErrorLog:          slog.NewLogLogger(s.logger.Handler(), slog.LevelDebug),
	}
}

func (s *Server) clientAddress(r *http.Request) netip.Addr {
	return clientAddress(r, s.config.TrustedProxies)
}

func newNode() protocol.NodeID {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return protocol.NodeID("n-" + hex.EncodeToString(b[:]))
}
