package statuspage

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/net/netutil"

	"github.com/sightline-rtc/sightline/device"
)

const (
	// requestTime bounds a request: it is of this machine, and its answer is ready.
	requestTime = 5 * time.Second
	// maxConnections bounds who may ask at once.
	maxConnections = 16
	maxHeaderBytes = 8 << 10
)

// Agent is what is shown.
type Agent interface {
	// Status tells how the agent is.
	Status() device.Status
	// Stuck says what in it does not go on although it should.
	Stuck() error
}

// CheckAddress finds an address that others than this machine could reach.
func CheckAddress(address string) error {
	host, _, err := net.SplitHostPort(address)
	if err != nil || !own(host) {
		return fmt.Errorf("the status page needs an address of this machine alone, such as 127.0.0.1:8484, not %q", address)
	}
	return nil
}

// own reports whether a host is this machine by a name that no other site can have.
func own(host string) bool {
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// Server serves the page.
type Server struct {
	listener net.Listener
	server   *http.Server
}

// Listen binds the address, which must be one that CheckAddress takes.
func Listen(ctx context.Context, address string, agent Agent, logger *slog.Logger) (*Server, error) {
	if err := CheckAddress(address); err != nil {
		return nil, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for the status page: %w", err)
	}
	return &Server{
		listener: netutil.LimitListener(listener, maxConnections),
		server: &http.Server{
			Handler: Handler(agent), ReadTimeout: requestTime, WriteTimeout: requestTime, IdleTimeout: requestTime,
			MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		},
	}, nil
}

// Address returns where the page is.
func (s *Server) Address() net.Addr { return s.listener.Addr() }

// Run serves until the context ends; it returns nil then.
func (s *Server) Run(ctx context.Context) error {
	stop := context.AfterFunc(ctx, func() { _ = s.server.Close() })
	defer stop()
	if err := s.server.Serve(s.listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the status page: %w", err)
	}
	return nil
}

// Handler answers /, /status.json and /healthz.
func Handler(agent Agent) http.Handler {
	started := time.Now()
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		writePage(w, view(agent, started, time.Now()))
	})
	mux.HandleFunc("GET /status.json", func(w http.ResponseWriter, _ *http.Request) {
		writeJSON(w, view(agent, started, time.Now()))
	})
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		if err := agent.Stuck(); err != nil {
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
			return
		}
		_, _ = fmt.Fprintln(w, "ok")
	})
	return guard(mux)
}

// guard keeps pages of other sites out: their scripts can have a name of theirs lead here (DNS rebinding), but then they
// ask for it by that name.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		if len(host) > 2 && host[0] == '[' {
			host = host[1 : len(host)-1]
		}
		h := w.Header()
		h.Set("Cache-Control", "no-store")
		h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'")
		h.Set("Cross-Origin-Resource-Policy", "same-origin")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("X-Content-Type-Options", "nosniff")
		if !own(host) {
			http.Error(w, "this page is for this machine alone", http.StatusForbidden)
			return
		}
		next.ServeHTTP(w, r)
	})
}
