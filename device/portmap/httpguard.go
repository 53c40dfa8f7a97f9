package portmap

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"time"
)

const (
	// httpTimeout bounds a request with its answer. The slowest of home routers take a second.
	httpTimeout = 3 * time.Second
	// maxHeader and maxBody bound what a router answers: descriptions are mostly 4 KiB, and at most some 20.
	maxHeader = 8 << 10
	maxBody   = 128 << 10
)

var errElsewhere = errors.New("not the gateway")

// gatewayClient is an HTTP client that reaches one address and no other, follows no redirect, uses no proxy, and reads
// answers of a bounded size in a bounded time.
func gatewayClient(at place, timeout time.Duration) *http.Client {
	dialer := net.Dialer{LocalAddr: net.TCPAddrFromAddrPort(netip.AddrPortFrom(at.local, 0))}
	return &http.Client{
		Timeout: timeout,
		Transport: shortened{&http.Transport{
			DialContext: func(ctx context.Context, _, address string) (net.Conn, error) {
				to, err := netip.ParseAddrPort(address)
				if err != nil || to.Addr() != at.gateway {
					return nil, fmt.Errorf("dial %s: %w", address, errElsewhere)
				}
				return dialer.DialContext(ctx, "tcp4", address)
			},
			DisableKeepAlives:      true, // a look a minute is not worth a connection
			DisableCompression:     true, // what is read is what was sent
			MaxResponseHeaderBytes: maxHeader,
		}},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// shortened cuts bodies at maxBody.
type shortened struct{ http.RoundTripper }

func (s shortened) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := s.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	response.Body = cutBody{io.LimitReader(response.Body, maxBody), response.Body}
	return response, nil
}

type cutBody struct {
	io.Reader
	io.Closer
}
