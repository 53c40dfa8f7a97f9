package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
)

// shutdownTimeout bounds how long requests under way may take when the server stops.
const shutdownTimeout = 5 * time.Second

// listen binds the sockets of HTTP and metrics.
func (s *Server) listen(ctx context.Context) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.config.Listen)
	if err != nil {
		return bindError("--listen", err)
	}
	s.listener = listener
	address, err := netip.ParseAddrPort(listener.Addr().String())
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
	}
	address = netip.AddrPortFrom(address.Addr().Unmap(), address.Port())
	s.names = newNames(s.config.URL, address, s.config.PublicIP)
	if s.url = s.config.URL; s.url == "" {
		s.url = urlOf(address, s.config.TLSCert != "")
	}
	if err := s.openPorts(ctx, address); err != nil {
		return err
	}
	return s.listenMetrics(ctx)
}

func (s *Server) listenMetrics(ctx context.Context) (err error) {
	var config net.ListenConfig
	switch s.config.MetricsListen {
	case "off":
		return nil
	case "":
		if s.metricsListener, err = config.Listen(ctx, "tcp", defaultMetrics); err == nil {
			return nil
		}
		s.metricsListener, err = config.Listen(ctx, "tcp", "127.0.0.1:0")
	default:
		s.metricsListener, err = config.Listen(ctx, "tcp", s.config.MetricsListen)
	}
	if err != nil {
		return bindError("--metrics-listen", err)
	}
	return nil
}

// bindError says in a few words which address could not be had, and why.
func bindError(flag string, err error) error {
	var op *net.OpError
	var errno syscall.Errno
	if errors.As(err, &op) && op.Addr != nil && errors.As(err, &errno) {
		return fmt.Errorf("%s: %s %s: %w", flag, op.Net, op.Addr, errno)
	}
	return fmt.Errorf("%s: %w", flag, err)
}

// Run serves until the context ends, then stops in order: no new clients and allocations, links sent away, requests
// finished, live allocations served to the end of their grace, relay counts delivered, store closed. Abort hurries that.
func (s *Server) Run(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	relayCtx, stopRelay := context.WithCancel(base)
	defer stopRelay()
	storeCtx, stopStore := context.WithCancel(base)
	defer stopStore()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.store.Run(storeCtx) })
	group.Go(func() error { return s.relay.Run(relayCtx) })
	for _, port := range s.ports {
		group.Go(func() error { return port.Run(relayCtx) })
	}
	if s.certificate != nil {
		group.Go(func() error { return s.certificate.Run(relayCtx) })
	}
	group.Go(func() error { return served(s.http.Serve(s.listener)) })
	if s.metricsListener != nil {
		group.Go(func() error { return served(s.metrics.Serve(s.metricsListener)) })
		s.logger.Info("metrics served", "url", "http://"+s.metricsListener.Addr().String()+"/metrics")
	}
	group.Go(func() error { return s.plans.Run(ctx) })
	group.Go(func() error { return s.access.Run(ctx) })
	group.Go(func() error { return s.webhooks.Run(ctx) })
	var drain sync.WaitGroup
	drain.Go(func() { s.drainRelay(base, ctx) })
	group.Go(func() error {
		err := s.hub.Run(ctx)
		s.ready.Store(false)
		err = errors.Join(err, s.shutDown(base, s.http))
		drain.Wait()
		err = errors.Join(err, s.shutDown(base, s.metrics))
		stopRelay()
		stopStore()
		return err
	})
	s.logger.Info("server ready", "url", s.url, "node", s.node)
	err := group.Wait()
	return errors.Join(err, s.store.Close())
}

// Abort cuts short what a Run does when its context has ended: sockets and requests are cut off. The relay still delivers
// its counts, and the store is closed.
func (s *Server) Abort() {
	s.logger.Warn("stopping at once")
	s.abort.Do(func() { close(s.hurried) })
	s.hub.Abort()
	for _, server := range []*http.Server{s.http, s.metrics} {
		_ = server.Close() // Run ends what is left
	}
}

// shutDown lets the requests under way finish and cuts off those that take too long.
func (s *Server) shutDown(ctx context.Context, server *http.Server) error {
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		s.logger.Warn("requests cut off", "took", shutdownTimeout)
		return server.Close()
	}
	return err
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// Close undoes an Open that no Run follows. The relay closes its sockets when a Run that is over at once ends.
func (s *Server) Close() error {
	var errs []error
	for _, l := range []net.Listener{s.listener, s.metricsListener} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	for _, port := range s.ports {
		errs = append(errs, port.Close())
	}
	if s.relay != nil {
		over, cancel := context.WithCancel(context.Background())
		cancel()
		errs = append(errs, s.relay.Run(over))
	}
	if s.store != nil {
		errs = append(errs, s.store.Close())
	}
	return errors.Join(errs...)
}
