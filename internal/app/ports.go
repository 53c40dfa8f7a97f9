package app

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strconv"

	"github.com/sightline-rtc/sightline/internal/front"
	"github.com/sightline-rtc/sightline/turn"
)

// openPorts puts TLS, and the sorting of clients, before the listeners that need it. address is where --listen is bound.
func (s *Server) openPorts(ctx context.Context, address netip.AddrPort) (err error) {
	if s.config.TLSCert != "" {
		if s.certificate, err = front.LoadCertificate(s.config.TLSCert, s.config.TLSKey, s.logger); err != nil {
			return fmt.Errorf("--tls-cert and --tls-key: %w", err)
		}
	}
	if s.certificate != nil || s.config.TurnOnListen {
		port := s.open(s.listener, front.Config{HTTP: true, TURN: s.config.TurnOnListen})
		s.listener = port.HTTP()
		if s.config.TurnOnListen {
			s.enterBy(port.TURN(), s.sharedAuthorities(address))
		}
	}
	if s.config.TurnTLSListen == "" {
		return nil
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.config.TurnTLSListen)
	if err != nil {
		return bindError("--turn-tls-listen", err)
	}
	port := s.open(listener, front.Config{TURN: true})
	s.enterBy(port.TURN(), []string{net.JoinHostPort(s.host(), portOf(listener.Addr()))})
	return nil
}

func (s *Server) open(listener net.Listener, config front.Config) *front.Port {
	config.Certificate, config.Logger = s.certificate, s.logger
	port := front.New(listener, config)
	s.ports = append(s.ports, port)
	return port
}

// enterBy gives the relay another way in. Clients find it at the HOST:PORTs, in the form of RFC 7065.
func (s *Server) enterBy(listener net.Listener, authorities []string) {
	entrance := turn.Entrance{Listener: listener, TLS: s.certificate != nil}
	scheme := "turn:"
	if entrance.TLS {
		scheme = "turns:"
	}
	for _, at := range authorities {
		entrance.URLs = append(entrance.URLs, scheme+at+"?transport=tcp")
	}
	s.entrances = append(s.entrances, entrance)
}

// host is that of the server's URL: a certificate is good for it.
func (s *Server) host() string {
	u, err := url.Parse(s.url)
	if err != nil {
		return ""
	}
	return u.Hostname()
}

// sharedAuthorities are where clients find TURN on the port of HTTP. That is where they find HTTP, unless a proxy speaks
// TLS for us: TURN does not go through that, and the listen address is the way past it.
func (s *Server) sharedAuthorities(address netip.AddrPort) []string {
	u, err := url.Parse(s.url)
	if err == nil && (u.Scheme == "https") == (s.certificate != nil) {
		return []string{hostPort(u)}
	}
	port := strconv.Itoa(int(address.Port()))
	var all []string
	for _, ip := range s.config.PublicIP {
		all = append(all, net.JoinHostPort(ip.Unmap().String(), port))
	}
	if all != nil {
		return all
	}
	if u, err = url.Parse(urlOf(address, false)); err != nil {
		return nil
	}
	return []string{hostPort(u)}
}

func portOf(address net.Addr) string {
	_, port, _ := net.SplitHostPort(address.String()) // a listener's own
	return port
}
