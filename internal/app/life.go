package app

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"golang.org/x/sync/errgroup"
)

// shutdownTimeout bounds how long requests under way may take when the server stops.
const shutdownTimeout = 5 * time.Second

// listen binds the sockets of HTTP and metrics.
func (s *Server) listen() error {
	listener, err := net.Listen("tcp", s.config.Listen)
	if err != nil {
		return fmt.Errorf("--listen: %w", err)
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
	if s.config.TLSCert != "" {
		certificate, err := tls.LoadX509KeyPair(s.config.TLSCert, s.config.TLSKey)
		if err != nil {
			return fmt.Errorf("--tls-cert: %w", err)
		}
		s.listener = tls.NewListener(listener, &tls.Config{
			Certificates: []tls.Certificate{certificate}, MinVersion: tls.VersionTLS12,
			NextProtos: []string{"http/1.1"}, // a WebSocket needs HTTP/1.1 (RFC 6455 section 4.1)
		})
	}
	return s.listenMetrics()
}

func (s *Server) listenMetrics() (err error) {
	switch s.config.MetricsListen {
	case "off":
		return nil
	case "":
		if s.metricsListener, err = net.Listen("tcp", defaultMetrics); err == nil {
			return nil
		}
		s.metricsListener, err = net.Listen("tcp", "127.0.0.1:0")
	default:
		s.metricsListener, err = net.Listen("tcp", s.config.MetricsListen)
	}
	if err != nil {
		return fmt.Errorf("--metrics-listen: %w", err)
	}
	return nil
}

// Run serves until the context ends, then stops in order: no new clients, links sent away, requests finished, relay
// counts delivered, store closed.
func (s *Server) Run(ctx context.Context) error {
	base := context.WithoutCancel(ctx)
	relayCtx, stopRelay := context.WithCancel(base)
	defer stopRelay()
	storeCtx, stopStore := context.WithCancel(base)
	defer stopStore()
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return s.store.Run(storeCtx) })
	group.Go(func() error { return s.relay.Run(relayCtx) })
	group.Go(func() error { return served(s.http.Serve(s.listener)) })
	if s.metricsListener != nil {
		group.Go(func() error { return served(s.metrics.Serve(s.metricsListener)) })
		s.logger.Info("metrics served", "url", "http://"+s.metricsListener.Addr().String()+"/metrics")
	}
	group.Go(func() error {
		err := s.hub.Run(ctx)
		s.ready.Store(false)
		timeout, cancel := context.WithTimeout(base, shutdownTimeout)
		defer cancel()
		err = errors.Join(err, s.http.Shutdown(timeout), s.metrics.Shutdown(timeout))
		stopRelay()
		stopStore()
		return err
	})
	s.ready.Store(true)
	s.logger.Info("server ready", "url", s.url, "node", s.node)
	err := group.Wait()
	return errors.Join(err, s.store.Close())
}

func served(err error) error {
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// close undoes an Open that failed half way. The relay closes its sockets when a Run that is over at once ends.
func (s *Server) close() error {
	var errs []error
	for _, l := range []net.Listener{s.listener, s.metricsListener} {
		if l != nil {
			errs = append(errs, l.Close())
		}
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
