//go:build linux

package turnload

import (
	"context"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// AddDirect opens a session without a server between its ends, by UDP whatever the load's transport: what the network and
// this package themselves take.
func (l *Load) AddDirect(ctx context.Context, up bool) error {
	from, to := end{l.cfg.PeerNetwork, l.cfg.Peer}, end{l.cfg.ClientNetwork, l.cfg.Client}
	if up {
		from, to = to, from
	}
	s, err := l.join(ctx, from, to)
	if err != nil {
		return fmt.Errorf("open a direct session: %w", err)
	}
	l.append(s)
	return nil
}

// end is where one end of a direct session is.
type end struct {
	network Network
	at      netip.Addr
}

func (l *Load) join(ctx context.Context, from, to end) (s *Session, err error) {
	s = &Session{load: l}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	const nobody = 9 // discard (RFC 863), until the other end is known
	if s.direct, err = openSocket(ctx, to.network, to.at, netip.AddrPortFrom(from.at, nobody)); err != nil {
		return s, err
	}
	if err := l.sink.add(s.direct, s.arrived); err != nil {
		return s, err
	}
	if s.peer, err = openSocket(ctx, from.network, from.at, s.direct.local); err != nil {
		return s, err
	}
	if err := l.sink.add(s.peer, s.arrived); err != nil {
		return s, err
	}
	return s, unix.Connect(s.direct.fd, sockaddr(s.peer.local))
}
