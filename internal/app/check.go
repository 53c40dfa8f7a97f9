package app

import (
	"context"
	"crypto/tls"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/store"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/turn"
)

// probeTimeout bounds each question that check asks over the network.
const probeTimeout = 5 * time.Second

// check is one line of what Check prints.
type check struct {
	name string
	run  func(context.Context) (words string, err error)
}

// Check says in words whether the settings are good and whether a server can be reached. With a URL it asks that
// server; without one it tries whether a server could start here, or whether one that runs already is well. It fails
// when anything is not as it should be.
func Check(ctx context.Context, c config.Serve, out io.Writer, logger *slog.Logger) error {
	settings := c.Validate() // which also brings them into form
	checks := []check{{"settings", func(context.Context) (string, error) { return "make sense", settings }}}
	if settings == nil {
		checks = append(checks, networkChecks(ctx, c, logger)...)
	}
	bad := 0
	for _, step := range checks {
		words, err := step.run(ctx)
		mark := "ok "
		if err != nil {
			mark, words = "BAD", strings.ReplaceAll(plain(err).Error(), "\n", "; ")
			bad++
		}
		if _, err := fmt.Fprintf(out, "%s  %-9s  %s\n", mark, step.name, words); err != nil {
			return err
		}
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d checks failed", bad, len(checks))
	}
	return nil
}

// networkChecks are those of a server that runs, or of a start.
func networkChecks(ctx context.Context, c config.Serve, logger *slog.Logger) []check {
	if c.URL != "" {
		return reachChecks(c.URL, c)
	}
	if target, running := runningAt(ctx, c); running {
		return reachChecks(target, c)
	}
	return startChecks(c, logger)
}

// plain takes the layers from a network error that say nothing to a person.
func plain(err error) error {
	var lookup *net.DNSError
	var op *net.OpError
	var errno syscall.Errno
	var request *url.Error
	switch {
	case errors.As(err, &lookup):
		return fmt.Errorf("look up %s: %s", lookup.Name, lookup.Err)
	case errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("no answer within %s", probeTimeout)
	case errors.As(err, &op) && op.Addr != nil && errors.As(err, &errno):
		return fmt.Errorf("%s %s: %w", op.Net, op.Addr, errno)
	case errors.As(err, &request):
		return request.Err
	}
	return err
}

// runningAt tells whether a server with these settings answers already, and where.
func runningAt(ctx context.Context, c config.Serve) (string, bool) {
	host, port, err := net.SplitHostPort(c.Listen)
	if err != nil || port == "0" {
		return "", false
	}
	if host == "" || net.ParseIP(host).IsUnspecified() {
		host = "127.0.0.1"
	}
	target := url.URL{Scheme: "http", Host: net.JoinHostPort(host, port)}
	if c.TLSCert != "" {
		target.Scheme = "https"
	}
	answer, err := ask(ctx, target.String()+"/healthz", nil)
	return target.String(), err == nil && answer.header.Get(protocol.ServerHeader) != ""
}

// startChecks try what a start would do.
func startChecks(c config.Serve, logger *slog.Logger) []check {
	checks := []check{
		{"data", func(ctx context.Context) (string, error) {
			if c.Database.Reveal() != "" {
				return "the database can be used", withStore(ctx, c.Data, logger, func(*store.Store) error { return nil })
			}
			if _, err := os.Stat(c.Data.Data); errors.Is(err, os.ErrNotExist) {
				return c.Data.Data + " does not exist yet; a start makes it", nil
			}
			return c.Data.Data + " can be used", withStore(ctx, c.Data, logger, func(*store.Store) error { return nil })
		}},
		{"listen", func(ctx context.Context) (string, error) {
			return c.Listen + " is free", tryListen(ctx, c.Listen, false)
		}},
		{"relay", func(ctx context.Context) (string, error) {
			return c.TurnListen + " is free, UDP and TCP", tryListen(ctx, c.TurnListen, true)
		}},
		{"TLS", func(context.Context) (string, error) {
			if c.TLSCert == "" {
				return "not used: let a proxy in front speak it, browsers want HTTPS for a microphone and much else", nil
			}
			_, err := tls.LoadX509KeyPair(c.TLSCert, c.TLSKey)
			return c.TLSCert + " can be used", err
		}},
	}
	checks = append(checks, check{"NAT", func(ctx context.Context) (string, error) { return tryDiscovery(ctx, c) }})
	if c.TurnTLSListen != "" {
		checks = append(checks, check{"relay TLS", func(ctx context.Context) (string, error) {
			return c.TurnTLSListen + " is free", tryListen(ctx, c.TurnTLSListen, false)
		}})
	}
	return checks
}

// tryDiscovery says what clients can learn of their NAT from this server.
func tryDiscovery(ctx context.Context, c config.Serve) (string, error) {
	if c.TurnAltPort == 0 {
		return "cameras learn how their NAT maps, not whom it lets in: --turn-alt-port 3479 lets them find out (RFC 5780), " +
			"and say what would help", nil
	}
	host, _, err := net.SplitHostPort(c.TurnListen)
	if err != nil {
		return "", err
	}
	at := net.JoinHostPort(host, strconv.Itoa(int(c.TurnAltPort)))
	var config net.ListenConfig
	conn, err := config.ListenPacket(ctx, "udp", at)
	if err != nil {
		return "", err
	}
	return at + " is free, UDP: cameras learn how their NAT maps and filters, all of it where the host has a second address that " +
		"they reach; open it in every firewall", conn.Close()
}

func tryListen(ctx context.Context, address string, udp bool) error {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return err
	}
	err = listener.Close()
	if !udp {
		return err
	}
	conn, packetErr := config.ListenPacket(ctx, "udp", address)
	if packetErr != nil {
		return packetErr
	}
	return errors.Join(err, conn.Close())
}

// reachChecks ask a server as its clients would.
func reachChecks(target string, c config.Serve) []check {
	checks := []check{
		{"server", func(ctx context.Context) (string, error) { return probeReady(ctx, target) }},
		{"WebSocket", func(ctx context.Context) (string, error) { return probeUpgrade(ctx, target) }},
	}
	for _, at := range relaysAt(target, c) {
		checks = append(checks, check{"relay", func(ctx context.Context) (string, error) { return probeRelay(ctx, at) }})
	}
	if at, ok := discoveryAt(target, c); ok {
		checks = append(checks, check{"NAT", func(ctx context.Context) (string, error) { return probeRelay(ctx, at) }})
	}
	return checks
}

// relayURI is where a relay should answer, its host, and the setting that says so.
type relayURI struct{ uri, host, flag string }

// discoveryAt is the alternate port of STUN of the server at a URL; ok is false where the settings have none.
func discoveryAt(target string, c config.Serve) (at relayURI, ok bool) {
	host, _ := relayAt(target, c.TurnListen)
	if host == "" || c.TurnAltPort == 0 {
		return relayURI{}, false
	}
	return relayURI{"stun:" + net.JoinHostPort(host, strconv.Itoa(int(c.TurnAltPort))), host, "--turn-alt-port"}, true
}

// relaysAt are the ways to the relay of the server at a URL. One on a port that the system chose is left out.
func relaysAt(target string, c config.Serve) []relayURI {
	var all []relayURI
	if host, port := relayAt(target, c.TurnListen); host != "" && port != "0" {
		at := "turn:" + net.JoinHostPort(host, port)
		all = append(all, relayURI{at + "?transport=udp", host, "--turn-listen"}, relayURI{at + "?transport=tcp", host, "--turn-listen"})
	}
	u, err := url.Parse(target)
	if err != nil {
		return all
	}
	if _, port, err := net.SplitHostPort(c.TurnTLSListen); err == nil && port != "0" {
		all = append(all, relayURI{"turns:" + net.JoinHostPort(u.Hostname(), port) + "?transport=tcp", u.Hostname(), "--turn-tls-listen"})
	}
	if c.TurnOnListen {
		scheme := map[string]string{"http": "turn:", "https": "turns:"}[u.Scheme]
		all = append(all, relayURI{scheme + hostPort(u) + "?transport=tcp", u.Hostname(), "--turn-on-listen"})
	}
	return all
}

func probeRelay(ctx context.Context, at relayURI) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	var secure *tls.Config
	if isLoopback(at.host) {
		secure = unverified()
	}
	mapped, err := turn.Probe(ctx, at.uri, secure)
	if err != nil {
		return "", fmt.Errorf("%s: %w: is that the server's %s, and open in every firewall?", at.uri, plain(err), at.flag)
	}
	return fmt.Sprintf("%s answers, and saw us as %s", at.uri, mapped), nil
}

// unverified are TLS settings for loopback: a certificate never names that, and nobody stands in between.
func unverified() *tls.Config {
	return &tls.Config{InsecureSkipVerify: true} //nolint:gosec // see above
}

func isLoopback(host string) bool {
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// relayAt tells where the relay of the server at a URL listens. It is never on loopback when it has another address.
func relayAt(target, turnListen string) (host, port string) {
	host, port, err := net.SplitHostPort(turnListen)
	if err != nil {
		return "", ""
	}
	if ip, err := netip.ParseAddr(host); err == nil && !ip.IsUnspecified() {
		return host, port
	}
	u, err := url.Parse(target)
	if err != nil {
		return "", ""
	}
	if ip, err := netip.ParseAddr(u.Hostname()); err != nil || !ip.IsLoopback() {
		return u.Hostname(), port
	}
	for _, ip := range bound(netip.IPv4Unspecified()) {
		if !ip.IsLoopback() && !ip.IsLinkLocalUnicast() {
			return ip.String(), port
		}
	}
	return u.Hostname(), port
}

func probeReady(ctx context.Context, target string) (string, error) {
	answer, err := ask(ctx, target+"/readyz", nil)
	if err != nil {
		return "", err
	}
	node := answer.header.Get(protocol.ServerHeader)
	switch {
	case node == "":
		return "", fmt.Errorf("something other than a Sightline server answered %s", answer.status)
	case answer.code != http.StatusOK:
		return "", errors.New("the server is up and not ready")
	}
	return target + " is ready, node " + node, nil
}

// probeUpgrade opens a WebSocket (RFC 6455 section 4.1) and closes it again.
func probeUpgrade(ctx context.Context, target string) (string, error) {
	answer, err := ask(ctx, target+"/v1/link", http.Header{
		"Connection": {"Upgrade"}, "Upgrade": {"websocket"}, "Sec-WebSocket-Version": {"13"},
		"Sec-WebSocket-Key":      {base64.StdEncoding.EncodeToString([]byte("sightline check!"))},
		"Sec-WebSocket-Protocol": {protocol.Subprotocol},
	})
	switch {
	case err != nil:
		return "", err
	case answer.code != http.StatusSwitchingProtocols:
		return "", fmt.Errorf("the upgrade was answered %s instead of 101: does a proxy in front pass WebSockets on?", answer.status)
	case !strings.EqualFold(answer.header.Get("Sec-WebSocket-Protocol"), protocol.Subprotocol):
		return "", errors.New("the upgrade was answered by something other than a Sightline server")
	}
	return "links open", nil
}

// answer is what is looked at of an HTTP response.
type answer struct {
	code   int
	status string
	header http.Header
}

func ask(ctx context.Context, target string, header http.Header) (answer, error) {
	ctx, cancel := context.WithTimeout(ctx, probeTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, http.NoBody)
	if err != nil {
		return answer{}, err
	}
	if header != nil {
		request.Header = header
	}
	client := http.DefaultClient
	if isLoopback(request.URL.Hostname()) {
		client = &http.Client{Transport: &http.Transport{TLSClientConfig: unverified()}}
		defer client.CloseIdleConnections()
	}
	response, err := client.Do(request)
	if err != nil {
		return answer{}, err
	}
	defer response.Body.Close()
	return answer{response.StatusCode, response.Status, response.Header}, nil
}
