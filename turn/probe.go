package turn

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/pion/stun/v4"
)

// Probe sends a STUN Binding request (RFC 8489 section 3) to a TURN URI such as turn:192.0.2.1:3478?transport=udp and
// returns the address that the server saw. It changes nothing.
func Probe(ctx context.Context, uri string) (netip.AddrPort, error) {
	parsed, err := stun.ParseURI(uri)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read TURN URI %q: %w", uri, err)
	}
	network := strings.ToLower(parsed.Proto.String())
	conn, err := (&net.Dialer{}).DialContext(ctx, network, net.JoinHostPort(parsed.Host, fmt.Sprint(parsed.Port)))
	if err != nil {
		return netip.AddrPort{}, err
	}
	client, err := stun.NewClient(conn)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("start STUN client: %w", err)
	}
	defer client.Close() //nolint:errcheck // it only ends what was opened here
	stopped := context.AfterFunc(ctx, func() { _ = client.Close() })
	defer stopped()
	var mapped stun.XORMappedAddress
	var failure error
	err = client.Do(stun.MustBuild(stun.TransactionID, stun.BindingRequest), func(event stun.Event) {
		if failure = event.Error; failure == nil {
			failure = mapped.GetFrom(event.Message)
		}
	})
	if err == nil {
		err = failure
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("no STUN answer over %s: %w", network, err)
	}
	ip, _ := netip.AddrFromSlice(mapped.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port)), nil //nolint:gosec // a port
}
