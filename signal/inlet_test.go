package signal

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"github.com/gorilla/websocket"
)

// openInlet returns the hub's end of a WebSocket and the client's connection, the upgrade done.
func openInlet(t *testing.T, start func(http.Handler) *httptest.Server) (*webSocket, net.Conn) {
	t.Helper()
	sockets := make(chan *webSocket, 1)
	server := start(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		taken := &hijack{ResponseWriter: w}
		conn, err := (&websocket.Upgrader{WriteBufferPool: &writeBuffers}).Upgrade(taken, r, nil)
		if err != nil {
			t.Errorf("upgrade: %v", err)
			return
		}
		sockets <- &webSocket{conn: conn, inlet: newInlet(conn.NetConn(), taken.reader)}
	}))
	t.Cleanup(server.Close)
	dialer := websocket.Dialer{}
	if transport, ok := server.Client().Transport.(*http.Transport); ok {
		dialer.TLSClientConfig = transport.TLSClientConfig
	}
	client, response, err := dialer.DialContext(t.Context(), strings.Replace(server.URL, "http", "ws", 1), nil)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	s := <-sockets
	t.Cleanup(func() { s.abort(); _ = client.Close() })
	return s, client.NetConn()
}

// masked makes a whole text frame of a client, with a mask of zeros (RFC 6455 section 5.2).
func masked(text string) []byte {
	var frame bytes.Buffer
	frame.WriteByte(0x81)
	switch n := len(text); {
	case n < 126:
		frame.WriteByte(0x80 | byte(n))
	default:
		frame.Write([]byte{0x80 | 126, byte(n >> 8), byte(n)}) //nolint:gosec // the lower two bytes of a short length
	}
	frame.Write(make([]byte, 4))
	frame.WriteString(text)
	return frame.Bytes()
}

func TestMessagesArriveWholeInWhateverPiecesTheyCome(t *testing.T) {
	said := []string{"a", "", strings.Repeat("b", 125), strings.Repeat("c", 5000), "d", strings.Repeat("e", 60000), "f"}
	var stream []byte
	for _, text := range said {
		stream = append(stream, masked(text)...)
	}
	for name, size := range map[string]int{"single bytes": 1, "sevens": 7, "a buffer": 4096, "one piece": len(stream)} {
		t.Run(name, func(t *testing.T) { pour(t, httptest.NewServer, stream, size, said) })
		t.Run(name+" over TLS", func(t *testing.T) { pour(t, httptest.NewTLSServer, stream, size, said) })
	}
}

// pour writes a stream in pieces of a size and reads the messages that it is made of.
func pour(t *testing.T, start func(http.Handler) *httptest.Server, stream []byte, size int, want []string) {
	s, client := openInlet(t, start)
	go func() {
		for piece := range slices.Chunk(stream, size) {
			if _, err := client.Write(piece); err != nil {
				t.Errorf("write: %v", err)
				return
			}
		}
	}()
	for i, text := range want {
		s.inlet.wait()
		got, err := s.read()
		if err != nil || string(got) != text {
			t.Fatalf("message %d: got %d bytes and %v, want %d", i, len(got), err, len(text))
		}
	}
}

func TestAnIdleSocketHoldsNoReadBuffer(t *testing.T) {
	s, client := openInlet(t, httptest.NewServer)
	waited := make(chan struct{})
	for _, text := range []string{"one", "two"} {
		if _, err := client.Write(masked(text)); err != nil {
			t.Fatal(err)
		}
		s.inlet.wait()
		if got := s.inlet.reader.Size(); got != 0 {
			t.Errorf("a buffer of %d bytes while it waits, want none", got)
		}
		if got, err := s.read(); err != nil || string(got) != text {
			t.Fatalf("got %q and %v, want %q", got, err, text)
		}
	}
	go func() {
		defer close(waited)
		s.inlet.wait()
	}()
	_ = client.Close()
	<-waited
	if _, err := s.read(); !websocket.IsCloseError(err, websocket.CloseAbnormalClosure) {
		t.Errorf("got %v, want the end of the connection", err)
	}
}

// bare is the reader of a connection that is not one.
type bare struct {
	net.Conn
	io.Reader
}

func (b bare) Read(p []byte) (int, error) { return b.Reader.Read(p) }

func TestWhatIsBufferedIsReadBeforeTheNextWait(t *testing.T) {
	in := newInlet(bare{Reader: strings.NewReader("abc")}, bufio.NewReader(nil))
	for _, want := range "abc" {
		in.wait()
		in.borrow()
		if got, err := in.reader.ReadByte(); err != nil || rune(got) != want {
			t.Fatalf("got %q and %v, want %q", got, err, want)
		}
	}
	in.wait()
	in.borrow()
	if _, err := in.reader.ReadByte(); err != io.EOF {
		t.Errorf("got %v, want the end", err)
	}
}
