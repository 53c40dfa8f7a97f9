// Package api is the REST API of partners: OpenAPI 3.1, problems as of RFC 9457 with a stable code, an API key as
// bearer token, and nothing of any project but the key's.
//
// It says what may be asked and by whom; what is kept and what is alive belong to others, behind the interfaces of
// this package. The document that it serves at /openapi.json is committed beside it as openapi.json.
package api

import (
	"errors"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"
)

// maxBodyBytes bounds every request's body: an offer has protocol.MaxSDPBytes, all others are well under 2 KB.
const maxBodyBytes = 64 << 10

// Config says what an API works on. Everything is needed but Price, Rates, Logger and Now.
type Config struct {
	Keys         Keys
	Claims       Claims
	PartnerKeys  PartnerKeys
	Projects     Projects
	Devices      Devices
	DeviceGrants DeviceGrants
	Access       Access
	Enrolments   Enrolments
	Sessions     Sessions
	Events       Events
	Usage        Usage
	Budgets      Budgeting
	Hub          Hub
	Snapshots    Snapshots
	Tokens       Tokens
	Webhooks     Webhooks
	Courier      Courier
	// Price is what a gigabyte costs that goes through the relay.
	Price Price
	// Rates are how often requests may come.
	Rates Rates
	// ClientAddress tells who sent a request, through whatever proxies are trusted.
	ClientAddress func(*http.Request) netip.Addr
	// Logger hears of failures that the client is not told; nil discards them.
	Logger *slog.Logger
	// Now is the clock; nil means time.Now.
	Now func() time.Time
}

// complete reports whether the config has all that is needed.
func (c *Config) complete() bool {
	parts := []any{
		c.Keys, c.Claims, c.PartnerKeys, c.Projects, c.Devices, c.DeviceGrants, c.Access, c.Enrolments, c.Sessions, c.Events, c.Usage,
		c.Budgets, c.Hub, c.Snapshots, c.Tokens, c.Webhooks, c.Courier,
	}
	return !slices.Contains(parts, nil) && c.ClientAddress != nil
}

// API serves the REST API. It is safe for concurrent use.
type API struct {
	config  Config
	log     *slog.Logger
	mux     *http.ServeMux
	huma    huma.API
	enrols  *limiter
	rates   *rates
	turns   turns
	waiting waiting
	// ending is closed by End.
	ending   chan struct{}
	end      sync.Once
	document []byte
}

// New makes the API.
func New(config Config) (*API, error) {
	if !config.complete() {
		return nil, errors.New("api: the config is not complete")
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	if config.Now == nil {
		config.Now = time.Now
	}
	a := &API{config: config, log: config.Logger, mux: http.NewServeMux(), enrols: newLimiter(), rates: newRates(config.Rates), ending: make(chan struct{})}
	a.huma = newHuma(a.mux)
	a.addDevices()
	a.addBearers()
	a.addConnections()
	a.addSnapshots()
	a.addEnrolments()
	a.addTokens()
	a.addKeys()
	a.addPartnerKeys()
	a.addDeviceGrants()
	a.addProject()
	a.addProjects()
	a.addSessions()
	a.addEvents()
	a.addUsage()
	a.addBudgets()
	a.addWebhooks()
	var err error
	if a.document, err = encodeDocument(a.huma); err != nil {
		return nil, err
	}
	a.mux.HandleFunc("GET /openapi.json", a.serveDocument)
	return a, nil
}

// Handler serves /v1/ and /openapi.json. Whatever else it is asked is answered as a problem too.
func (a *API) Handler() http.Handler { return a.guard(a.mux) }

// End ends what waits for events, so that a server which stops need not wait for it.
func (a *API) End() { a.end.Do(func() { close(a.ending) }) }
