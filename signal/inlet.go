package signal

import (
	"bufio"
	"net"
	"net/http"
	"sync"
)

// inlet is where the bytes of a WebSocket come in. Most links are idle, and what one holds while it waits is most of
// what it costs: so it waits for a single byte, the first of the next message, and is lent the buffer that the message is
// read through once that is there. One goroutine at a time uses it.
type inlet struct {
	conn net.Conn
	// reader is what gorilla reads from. It has a buffer while lent is set, and is empty otherwise.
	reader *bufio.Reader
	lent   *bufio.Reader
	// first, count and err are what wait has read. Read passes them on.
	first [1]byte
	count int
	err   error
}

// readers have the buffers that inlets borrow: those that the HTTP server allocated for its connections.
var readers sync.Pool

// newInlet takes over the reader of a connection that has become a WebSocket, with its buffer.
func newInlet(conn net.Conn, reader *bufio.Reader) *inlet {
	in := &inlet{conn: conn, reader: reader, lent: new(bufio.Reader)}
	reader.Reset(in)
	return in
}

// wait returns when there is something to read, be it the end. It needs so little stack that the 2 KiB of a new
// goroutine are enough.
func (in *inlet) wait() {
	if in.buffered() {
		return
	}
	in.giveBack()
	for in.count == 0 && in.err == nil {
		in.count, in.err = in.conn.Read(in.first[:])
	}
}

// buffered reports whether more than was asked for has been read.
func (in *inlet) buffered() bool { return in.lent != nil && in.reader.Buffered() > 0 }

// Read implements io.Reader.
func (in *inlet) Read(b []byte) (int, error) {
	if in.count == 0 && in.err == nil {
		return in.conn.Read(b)
	}
	n, err := copy(b, in.first[:in.count]), in.err
	in.count, in.err = 0, nil
	return n, err
}

// borrow makes the reader ready.
func (in *inlet) borrow() {
	if in.lent != nil {
		return
	}
	var ok bool
	if in.lent, ok = readers.Get().(*bufio.Reader); !ok {
		in.lent = new(bufio.Reader) // which Reset gives a buffer
	}
	*in.reader = *in.lent
	in.reader.Reset(in)
}

func (in *inlet) giveBack() {
	if in.lent == nil {
		return
	}
	*in.lent, *in.reader = *in.reader, bufio.Reader{}
	in.lent.Reset(nil)
	readers.Put(in.lent)
	in.lent = nil
}

// hijack shows the reader that the HTTP server hands over with a connection. gorilla goes on with it when it is told no
// size for a buffer of its own.
type hijack struct {
	http.ResponseWriter
	reader *bufio.Reader
}

// Hijack implements http.Hijacker.
func (h *hijack) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	conn, both, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err == nil {
		h.reader = both.Reader
	}
	return conn, both, err
}
