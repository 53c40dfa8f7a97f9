//go:build linux

package turnload

import (
	"context"
	"crypto/tls"
	"encoding/binary"
	"sync/atomic"
	"time"
)

// Session is an allocation of a client, with a channel to a peer that sends to it or takes what it sends.
type Session struct {
	// Username is that of its credentials.
	Username string
	// Up says that the client sends, not the peer.
	Up bool

	load   *Load
	client *client
	peer   *socket
	// direct is the receiver of a session that has no server, and no client.
	direct *socket

	sent, received tally
}

// tally counts packets and the bytes of their payload.
type tally struct{ packets, bytes atomic.Uint64 }

func (t *tally) add(packets, bytes int) {
	t.packets.Add(uint64(packets)) //nolint:gosec // counts are not negative
	t.bytes.Add(uint64(bytes))     //nolint:gosec // counts are not negative
}

// Count is a number of packets, and the bytes of their payload.
type Count struct{ Packets, Bytes uint64 }

func (t *tally) count() Count { return Count{t.packets.Load(), t.bytes.Load()} }

// Sent is what the session has sent so far.
func (s *Session) Sent() Count { return s.sent.count() }

// Received is what of it has arrived.
func (s *Session) Received() Count { return s.received.count() }

// open makes an allocation and binds a channel to a new peer.
func (l *Load) open(ctx context.Context, credentials Credentials, up bool) (s *Session, err error) {
	s = &Session{Username: credentials.Username, Up: up, load: l}
	defer func() {
		if err != nil {
			s.close()
		}
	}()
	s.client = newClient(credentials)
	if s.client.wire, err = l.connect(ctx, s); err != nil {
		return s, err
	}
	relay, err := s.client.allocate(ctx)
	if err != nil {
		return s, err
	}
	if s.peer, err = openSocket(ctx, l.cfg.PeerNetwork, l.cfg.Peer, relay); err != nil {
		return s, err
	}
	if err := l.sink.add(s.peer, s.arrived); err != nil {
		return s, err
	}
	return s, s.client.bind(ctx, s.peer.local)
}

// connect opens the way to the server.
func (l *Load) connect(ctx context.Context, s *Session) (wire, error) {
	if l.cfg.Transport == UDP {
		conn, err := openSocket(ctx, l.cfg.ClientNetwork, l.cfg.Client, l.cfg.Server)
		if err != nil {
			return nil, err
		}
		return datagramWire{conn, l.sink}, l.sink.add(conn, s.answered)
	}
	conn, err := l.cfg.ClientNetwork.Dial(ctx, "tcp", l.cfg.Server.String())
	if err != nil {
		return nil, err
	}
	if l.cfg.Transport == TLS {
		secure := tls.Client(conn, l.cfg.TLS)
		if err := secure.HandshakeContext(ctx); err != nil {
			_ = conn.Close()
			return nil, err
		}
		conn = secure
	}
	l.work.Go(func() error { readFrames(conn, s.answered); return nil })
	return streamWire{conn}, nil
}

// close leaves the allocation, if there is one, to its lifetime.
func (s *Session) close() {
	if s.client != nil && s.client.wire != nil {
		s.client.wire.close()
	}
	for _, conn := range []*socket{s.peer, s.direct} {
		if conn != nil {
			s.load.sink.remove(conn)
		}
	}
}

// channelHeader is the size of what stands before the payload on the client's side (RFC 8656 section 12.4).
const channelHeader = 4

// answered takes what the server sends to the client: data in the session's channel, or an answer.
func (s *Session) answered(message []byte, at int64) {
	if message[0]>>6 == 0 {
		s.client.answered(message)
		return
	}
	if len(message) < channelHeader || binary.BigEndian.Uint16(message) != channel {
		return
	}
	if size := int(binary.BigEndian.Uint16(message[2:])); size <= len(message)-channelHeader {
		s.arrived(message[channelHeader:channelHeader+size], at)
	}
}

// arrived takes a payload at the end of its way.
func (s *Session) arrived(payload []byte, at int64) {
	if len(payload) < MinSize {
		return
	}
	s.received.add(1, len(payload))
	s.load.gauge.Load().arrived(payload, at)
}

// burst sends a burst of equal packets and returns how many have left.
func (s *Session) burst(b *burst) (int, error) {
	var n int
	var err error
	if s.Up {
		n, err = s.client.wire.burst(b)
	} else {
		n, err = b.plain.send(s.peer.fd)
	}
	s.sent.add(n, n*b.size)
	return n, err
}

// stamp is what a packet carries: when it was sent, and for which measurement.
type stamp struct {
	at   int64 // nanoseconds since 1970
	mark byte
}

func (s stamp) put(payload []byte) {
	binary.BigEndian.PutUint64(payload, uint64(s.at)) //nolint:gosec // read back as it was
	payload[8] = s.mark
}

func stampOf(payload []byte) stamp {
	return stamp{int64(binary.BigEndian.Uint64(payload)), payload[8]} //nolint:gosec // as it was written
}

func now() int64 { return time.Now().UnixNano() }
