package turn

import (
	"errors"
	"io"
	"net"
	"sync"
	"time"
)

const (
	// frameTimeout is how long a new stream may take to its first whole frame.
	frameTimeout = 10 * time.Second
	// allocateTimeout is how long a stream may be without an allocation: from when it was accepted, and after
	// each allocation has ended.
	allocateTimeout = 30 * time.Second
	// writeTimeout bounds one write to a stream. A client that takes longer to make room for a packet has lost the
	// live picture anyway.
	writeTimeout = 5 * time.Second
)

// stream is a TCP client as pion/turn may see it: its Read yields whole frames of at most maxFrame bytes, one at a
// time, and ends the connection at the first byte that belongs to none. Without it v5.1.0 overflows a 16-bit length
// and spins for ever on twelve bytes from anyone.
//
// Read is for one goroutine, all else for any.
type stream struct {
	net.Conn
	// at is the address that the client is seen to come to.
	at net.Addr
	// closed is called once, when the stream closes.
	closed func()
	// broken is called when what came was no frame.
	broken func()
	// gate sees each STUN message first; nil lets all pass.
	gate   *gate
	adding window

	buf   [2 * maxFrame]byte
	start int
	end   int

	once sync.Once

	// mu guards the fields below and the read deadline that follows from them.
	mu        sync.Mutex
	accepted  time.Time
	framed    bool
	allocated int
}

// newStream takes over a connection that was just accepted.
func newStream(conn net.Conn, now time.Time, closed, broken func()) (*stream, error) {
	if err := conn.SetReadDeadline(now.Add(frameTimeout)); err != nil {
		return nil, err
	}
	return &stream{Conn: conn, accepted: now, closed: closed, broken: broken}, nil
}

// LocalAddr returns the address that stands for the listener: the library knows clients by both.
func (s *stream) LocalAddr() net.Addr { return s.at }

// Read returns one whole frame, or an error; never nothing at all.
func (s *stream) Read(p []byte) (int, error) {
	s.adding.close()
	for {
		size, err := frameLen(s.buf[s.start:s.end])
		if err != nil {
			s.broken()
			return 0, err
		}
		if size > 0 && s.end-s.start >= size {
			frame := s.buf[s.start : s.start+size]
			s.start += size
			if isMisread(frame) {
				continue
			}
			s.first()
			if rest := s.screen(frame); len(rest) > 0 {
				return take(p, rest)
			}
			continue
		}
		if s.start > 0 {
			s.end = copy(s.buf[:], s.buf[s.start:s.end])
			s.start = 0
		}
		n, err := s.Conn.Read(s.buf[s.end:])
		s.end += n
		switch {
		case n > 0:
			continue
		case err == nil:
			return 0, io.ErrNoProgress
		case errors.Is(err, io.EOF) && s.end > 0:
			return 0, io.ErrUnexpectedEOF
		default:
			return 0, err
		}
	}
}

// screen returns what the gate lets through of a frame.
func (s *stream) screen(frame []byte) []byte {
	if s.gate == nil {
		return frame
	}
	rest, answer := s.gate.screen(frame, addrPort(s.RemoteAddr()))
	if answer != nil {
		_, _ = s.Write(answer) // A write that fails closes the stream.
	}
	return rest
}

// take hands out a frame.
//
// pion/turn leaves fewer than minPionFrame bytes in its buffer until more come, so that the smallest ChannelData
// would wait for the next packet. Such a frame is followed by a message that pion drops without an answer.
func take(p, frame []byte) (int, error) {
	var after []byte
	if len(frame) < minPionFrame {
		after = filler
	}
	if len(p) < len(frame)+len(after) {
		return 0, io.ErrShortBuffer
	}
	n := copy(p, frame)
	return n + copy(p[n:], after), nil
}

// filler is a STUN Binding indication (RFC 8489 section 5), a keep-alive to which there is no answer.
var filler = []byte{0x00, 0x11, 0, 0, 0x21, 0x12, 0xA4, 0x42, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}

// first notes that a whole frame has come.
func (s *stream) first() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.framed {
		return
	}
	s.framed = true
	if s.allocated == 0 {
		_ = s.Conn.SetReadDeadline(s.accepted.Add(allocateTimeout)) // A closed connection says so at the next Read.
	}
}

// allocate tells that the client has made an allocation: it may be silent as long as that lives.
func (s *stream) allocate() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allocated++
	_ = s.Conn.SetReadDeadline(time.Time{}) // A closed connection says so at the next Read.
}

// release tells that an allocation of the client has ended.
func (s *stream) release(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.allocated--
	if s.allocated == 0 {
		_ = s.Conn.SetReadDeadline(now.Add(allocateTimeout)) // A closed connection says so at the next Read.
	}
}

// Write sends one frame, and closes the stream when that does not succeed: what was sent in part cannot be mended.
func (s *stream) Write(p []byte) (int, error) {
	if isResponse(p) {
		s.adding.close()
	}
	err := s.Conn.SetWriteDeadline(time.Now().Add(writeTimeout))
	if err != nil {
		return 0, err
	}
	n, err := s.Conn.Write(p)
	if err != nil {
		_ = s.Close() // The first error is the one that tells.
	}
	return n, err
}

// Close ends the connection. It may be called more than once.
func (s *stream) Close() error {
	var err error
	s.once.Do(func() {
		err = s.Conn.Close()
		s.closed()
	})
	return err
}
