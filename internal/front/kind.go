package front

import (
	"io"
	"net"
)

// kind is what a client came for.
type kind int

const (
	kindHTTP kind = iota + 1
	kindTURN
)

// The names with which clients may say so in the TLS handshake.
const (
	protocolHTTP = "http/1.1"  // RFC 7301 section 6; not h2: a WebSocket needs HTTP/1.1 (RFC 6455 section 4.1)
	protocolTURN = "stun.turn" // RFC 7443 section 2
)

func kindOfProtocol(name string) (k kind, known bool) {
	switch name {
	case protocolHTTP:
		return kindHTTP, true
	case protocolTURN:
		return kindTURN, true
	}
	return 0, false
}

// lastSTUN is the highest first byte of a STUN message (RFC 7983 section 7). A TURN client's first message is none else:
// ChannelData needs a channel first. An HTTP request begins with a letter, or with an empty line that is left out
// (RFC 9112 section 2.2).
const lastSTUN = 3

// listen waits for the first byte and returns the connection with that byte still to be read.
func listen(conn net.Conn) (kind, net.Conn, error) {
	told := &overheard{Conn: conn, left: true}
	if _, err := io.ReadFull(conn, told.first[:]); err != nil {
		return 0, nil, err
	}
	if told.first[0] <= lastSTUN {
		return kindTURN, told, nil
	}
	return kindHTTP, told, nil
}

// overheard is a connection whose first byte has been read already. Reads are for one goroutine at a time.
type overheard struct {
	net.Conn
	first [1]byte
	left  bool
}

// Read returns the first byte first.
func (o *overheard) Read(p []byte) (int, error) {
	if !o.left || len(p) == 0 {
		return o.Conn.Read(p)
	}
	o.left = false
	p[0] = o.first[0]
	return 1, nil
}
