package turn

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/pion/stun/v4"
)

const (
	// firstRTO is the wait before the first retransmission over UDP; it doubles up to maxRTO (RFC 8489 section 6.2.1).
	firstRTO = 500 * time.Millisecond
	maxRTO   = 2 * time.Second
)

// Probe sends a STUN Binding request (RFC 8489 section 3) to a TURN URI such as turn:192.0.2.1:3478?transport=udp and
// returns the address that the server saw. It changes nothing. It asks until the context ends. For a turns: URI secure says
// whom to believe; nil means the system's authorities.
func Probe(ctx context.Context, uri string, secure *tls.Config) (netip.AddrPort, error) {
	parsed, err := stun.ParseURI(uri)
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("read TURN URI %q: %w", uri, err)
	}
	network := strings.ToLower(parsed.Proto.String())
	conn, err := probeDial(ctx, network, parsed, secure)
	if err != nil {
		return netip.AddrPort{}, err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	ask := askStream
	if network == "udp" {
		ask = askDatagram
	}
	response, err := ask(conn, stun.MustBuild(stun.TransactionID, stun.BindingRequest))
	if ctx.Err() != nil {
		err = errors.New("nothing came back")
	}
	if err != nil {
		return netip.AddrPort{}, fmt.Errorf("no STUN answer over %s: %w", network, err)
	}
	var mapped stun.XORMappedAddress
	if err := mapped.GetFrom(response); err != nil {
		return netip.AddrPort{}, fmt.Errorf("no address in the STUN answer over %s: %w", network, err)
	}
	ip, _ := netip.AddrFromSlice(mapped.IP)
	return netip.AddrPortFrom(ip.Unmap(), uint16(mapped.Port)), nil //nolint:gosec // a port
}

func probeDial(ctx context.Context, network string, to *stun.URI, secure *tls.Config) (net.Conn, error) {
	at := net.JoinHostPort(to.Host, strconv.Itoa(to.Port))
	if to.IsSecure() && network == "tcp" {
		return (&tls.Dialer{Config: secure}).DialContext(ctx, network, at)
	}
	return (&net.Dialer{}).DialContext(ctx, network, at)
}

// askDatagram retransmits until the answer comes or the socket is closed.
func askDatagram(conn net.Conn, request *stun.Message) (*stun.Message, error) {
	buffer := make([]byte, maxFrame)
	for rto := firstRTO; ; rto = min(2*rto, maxRTO) {
		if _, err := conn.Write(request.Raw); err != nil {
			return nil, err
		}
		if err := conn.SetReadDeadline(time.Now().Add(rto)); err != nil {
			return nil, err
		}
		for {
			n, err := conn.Read(buffer)
			if wait := net.Error(nil); errors.As(err, &wait) && wait.Timeout() {
				break
			}
			if err != nil {
				return nil, err
			}
			response := &stun.Message{Raw: buffer[:n]}
			if response.Decode() == nil && response.TransactionID == request.TransactionID {
				return response, nil
			}
		}
	}
}

func askStream(conn net.Conn, request *stun.Message) (*stun.Message, error) {
	if _, err := conn.Write(request.Raw); err != nil {
		return nil, err
	}
	raw := make([]byte, stunHeader)
	if _, err := io.ReadFull(conn, raw); err != nil {
		return nil, err
	}
	raw = append(raw, make([]byte, int(raw[2])<<8|int(raw[3]))...)
	if _, err := io.ReadFull(conn, raw[stunHeader:]); err != nil {
		return nil, err
	}
	response := &stun.Message{Raw: raw}
	if err := response.Decode(); err != nil {
		return nil, err
	}
	if response.TransactionID != request.TransactionID {
		return nil, errors.New("the answer is to another question")
	}
	return response, nil
}
