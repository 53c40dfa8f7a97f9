package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/sightline-rtc/sightline/internal/special"
	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxURLBytes is what the API takes, too.
	maxURLBytes = 2048
	// maxHostBytes bounds a DNS name (RFC 1035 section 2.3.4).
	maxHostBytes = 253
	// minPort is the lowest port but that of HTTPS: what is below belongs to other services (RFC 6335 section 6).
	minPort   = 1024
	httpsPort = 443
	// resolveTimeout bounds the look at a name when its URL is kept.
	resolveTimeout = 3 * time.Second
)

// errNotPublic is why a connection is refused. It does not name the address: the server's resolver may know names that are
// none of the partner's business.
var errNotPublic = errors.New("the address is not public")

// Guard says where requests may go. Its zero value lets them go to public addresses only. It is safe for concurrent use.
type Guard struct {
	// Loopback lets them go to this host, by http as well: for development.
	Loopback bool
	// Resolver is nil for the system's.
	Resolver *net.Resolver
}

// Check fails with CodeInvalid for a URL to which nothing is sent. A name that cannot be resolved at the moment passes: it
// is judged again at every connection.
func (g *Guard) Check(ctx context.Context, text string) error {
	u, err := g.parse(text)
	if err != nil {
		return err
	}
	host := u.Hostname()
	if addr, err := netip.ParseAddr(host); err == nil {
		return g.checkAll([]netip.Addr{addr})
	}
	ctx, cancel := context.WithTimeout(ctx, resolveTimeout)
	defer cancel()
	addrs, err := g.resolver().LookupNetIP(ctx, "ip", host)
	if dns := (*net.DNSError)(nil); errors.As(err, &dns) && dns.IsNotFound {
		return invalid("the host of the URL does not exist")
	}
	return g.checkAll(addrs)
}

func (g *Guard) checkAll(addrs []netip.Addr) error {
	for _, addr := range addrs {
		if !g.allows(addr) {
			return invalid("the host of the URL is not at a public address")
		}
	}
	return nil
}

func (g *Guard) resolver() *net.Resolver {
	if g.Resolver == nil {
		return net.DefaultResolver
	}
	return g.Resolver
}

// parse reads a URL and judges all of it that can be judged without asking anybody.
func (g *Guard) parse(text string) (*url.URL, error) {
	if len(text) > maxURLBytes {
		return nil, invalid("the URL is over %d bytes", maxURLBytes)
	}
	for _, b := range []byte(text) {
		if b <= ' ' || b > '~' {
			return nil, invalid("the URL has characters that are not plain ASCII")
		}
	}
	u, err := url.Parse(text)
	if err != nil {
		return nil, invalid("this is no URL")
	}
	switch {
	case u.Opaque != "" || u.Host == "":
		return nil, invalid("the URL names no host")
	case u.User != nil:
		return nil, invalid("the URL has a user or a password in it")
	case strings.Contains(text, "#"):
		return nil, invalid("the URL has a fragment")
	}
	if err := g.checkHost(u); err != nil {
		return nil, err
	}
	return u, g.checkPort(u)
}

func (g *Guard) checkHost(u *url.URL) error {
	host := u.Hostname()
	local := host == "localhost"
	if addr, err := netip.ParseAddr(host); err == nil {
		local = addr.Unmap().IsLoopback()
		if addr.Zone() != "" {
			return invalid("the address in the URL has a zone")
		}
	} else if !isName(host) && !local {
		return invalid("the host of the URL is no public name, nor an address in its plain form")
	}
	switch {
	case local && !g.Loopback:
		return invalid("the host of the URL is not at a public address")
	case u.Scheme == "https", u.Scheme == "http" && local:
		return nil
	}
	return invalid("the URL is not https")
}

// isName reports whether a host is a name of the public DNS. Its last label begins with a letter, which tells it from all
// the forms in which an IPv4 address may be written.
func isName(host string) bool {
	labels := strings.Split(host, ".")
	if len(labels) < 2 || len(host) > maxHostBytes {
		return false
	}
	for _, label := range labels {
		if label == "" || len(label) > 63 || strings.Trim(strings.ToLower(label), "abcdefghijklmnopqrstuvwxyz0123456789-_") != "" {
			return false
		}
	}
	first := labels[len(labels)-1][0] | 0x20
	return first >= 'a' && first <= 'z'
}

func (g *Guard) checkPort(u *url.URL) error {
	text := u.Port()
	if text == "" && !strings.HasSuffix(u.Host, ":") {
		return nil
	}
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil || !allowedPort(uint16(port)) {
		return invalid("the port of the URL is neither %d nor one from %d on", httpsPort, minPort)
	}
	return nil
}

func allowedPort(port uint16) bool { return port == httpsPort || port >= minPort }

// allows judges an address. The host's own are refused too: what listens there may count on a firewall before it.
func (g *Guard) allows(addr netip.Addr) bool {
	addr = addr.Unmap()
	if g.Loopback && addr.IsLoopback() {
		return true
	}
	return special.Public(addr) && !isOwn(addr)
}

func isOwn(addr netip.Addr) bool {
	own, err := net.InterfaceAddrs()
	if err != nil {
		return true
	}
	for _, a := range own {
		if prefix, err := netip.ParsePrefix(a.String()); err == nil && prefix.Addr().Unmap() == addr {
			return true
		}
	}
	return false
}

// control is a net.Dialer's: it judges the address that is about to be connected to, whatever its name has led to before.
func (g *Guard) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil || network != "tcp4" && network != "tcp6" {
		return errNotPublic
	}
	if g.Loopback && to.Addr().Unmap().IsLoopback() {
		return nil
	}
	if !allowedPort(to.Port()) || !g.allows(to.Addr()) {
		return errNotPublic
	}
	return nil
}

func invalid(format string, args ...any) error {
	return protocol.Errorf(protocol.CodeInvalid, format, args...)
}
