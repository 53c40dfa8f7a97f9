package turn

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
	"testing/synctest"
	"time"

	"github.com/pion/stun/v4"
	pionturn "github.com/pion/turn/v5"

	"github.com/sightline-rtc/sightline/protocol"
)

// overflows are what makes pion/turn v5.1.0 spin: lengths that fill 16 bits with the header added.
var overflows = map[string][]byte{
	"ChannelData": append([]byte{0x40, 0x00, 0xFF, 0xFC}, make([]byte, 8)...),
	"STUN":        append([]byte{0x00, 0x03, 0xFF, 0xEC, 0x21, 0x12, 0xA4, 0x42}, make([]byte, 12)...),
}

func TestOverflowingFramesEndTheConnection(t *testing.T) {
	for name, attack := range overflows {
		t.Run(name, func(t *testing.T) {
			h := start(t)
			conn := h.dialStream(t)
			if _, err := conn.Write(attack); err != nil {
				t.Fatal(err)
			}
			wantEnd(t, conn)
			eventually(t, "the stream's goroutine ends", func() bool {
				return h.streamCount() == 0 && goroutinesIn("turn.(*stream).Read", "STUNConn).ReadFrom") == 0
			})
			if got := h.metric(t, "sightline_turn_broken_streams_total"); got != 1 {
				t.Errorf("broken streams: got %v, want 1", got)
			}
		})
	}
}

// wantEnd waits until the server has closed the connection.
func wantEnd(t *testing.T, conn net.Conn) {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil || errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got %d bytes, %v, want the connection closed", n, err)
	}
}

func TestFrameLengths(t *testing.T) {
	stunHead := func(length uint16) []byte {
		b := make([]byte, 20)
		binary.BigEndian.PutUint16(b[2:], length)
		binary.BigEndian.PutUint32(b[4:], magicCookie)
		return b
	}
	badCookie := stunHead(0)
	badCookie[7]++
	for name, test := range map[string]struct {
		in   []byte
		want int
		err  error
	}{
		"nothing":              {nil, 0, nil},
		"one byte of STUN":     {[]byte{0}, 0, nil},
		"STUN without cookie":  {stunHead(8)[:4], 28, nil},
		"empty STUN":           {stunHead(0), 20, nil},
		"largest STUN":         {stunHead(1580), 1600, nil},
		"STUN too long":        {stunHead(1584), 0, errFrameLength},
		"longest STUN":         {stunHead(0xFFFC), 0, errFrameLength},
		"unaligned STUN":       {stunHead(2), 0, errFrameLength},
		"wrong cookie":         {badCookie, 0, errFrameKind},
		"empty ChannelData":    {[]byte{0x40, 0, 0, 0}, 4, nil},
		"padded ChannelData":   {[]byte{0x4F, 0xFF, 0, 1}, 8, nil},
		"largest ChannelData":  {[]byte{0x40, 0, 0x06, 0x3C}, 1600, nil},
		"ChannelData too long": {[]byte{0x40, 0, 0x06, 0x3D}, 0, errFrameLength},
		"longest ChannelData":  {[]byte{0x40, 0, 0xFF, 0xFF}, 0, errFrameLength},
		"RFC 5766 channel":     {[]byte{0x7F, 0xFE, 0, 4}, 8, nil},
		"HTTP":                 {[]byte("\x80"), 0, errFrameKind},
		"TLS":                  {[]byte{0x16, 3, 1, 2, 0, 1, 0, 1}, 0, errFrameLength},
	} {
		got, err := frameLen(test.in)
		if got != test.want || !errors.Is(err, test.err) {
			t.Errorf("%s: got %d, %v, want %d, %v", name, got, err, test.want, test.err)
		}
	}
}

// script is a connection that reads what it is given, and then ends.
type script struct {
	net.Conn
	io.Reader
}

func (s script) Read(p []byte) (int, error)       { return s.Reader.Read(p) }
func (s script) SetReadDeadline(time.Time) error  { return nil }
func (s script) SetWriteDeadline(time.Time) error { return nil }
func (s script) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
func (s script) Close() error                     { return nil }

func scripted(t *testing.T, r io.Reader) *stream {
	t.Helper()
	s, err := newStream(script{Reader: r}, time.Now(), func() {}, func() {})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func channelData(channel uint16, data string) []byte {
	b := binary.BigEndian.AppendUint16(nil, channel)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	b = append(b, data...)
	return append(b, make([]byte, (4-len(b)%4)%4)...)
}

func TestStreamReadsWholeFramesHoweverTheyArrive(t *testing.T) {
	binding := stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw
	frames := [][]byte{
		channelData(0x4000, "a longer frame"), binding, channelData(0x4001, strings.Repeat("x", maxFrame-4)), binding,
	}
	all := bytes.Join(frames, nil)
	for name, r := range map[string]io.Reader{
		"at once":      bytes.NewReader(all),
		"byte by byte": iotest.OneByteReader(bytes.NewReader(all)),
		"in halves":    iotest.HalfReader(bytes.NewReader(all)),
		"with the end": iotest.DataErrReader(bytes.NewReader(all)),
	} {
		s := scripted(t, r)
		for i, want := range frames {
			buf := make([]byte, maxFrame+1)
			n, err := s.Read(buf)
			if err != nil || !bytes.Equal(buf[:n], want) {
				t.Fatalf("%s, frame %d: got %d bytes, %v, want %d", name, i, n, err, len(want))
			}
		}
		if n, err := s.Read(make([]byte, maxFrame+1)); n != 0 || !errors.Is(err, io.EOF) {
			t.Errorf("%s, end: got %d, %v", name, n, err)
		}
	}
}

func TestSmallestFramesPassPionAtOnce(t *testing.T) {
	first, last := channelData(0x4000, ""), channelData(0x4000, "1234")
	conn := pionturn.NewSTUNConn(scripted(t, bytes.NewReader(bytes.Join([][]byte{first, last}, nil))))
	var got [][]byte
	for {
		buf := make([]byte, maxFrame+1)
		n, _, err := conn.ReadFrom(buf)
		if err != nil {
			break
		}
		if !bytes.Equal(buf[:n], filler) {
			got = append(got, buf[:n])
		}
	}
	if len(got) != 2 || !bytes.Equal(got[0], first) || !bytes.Equal(got[1], last) {
		t.Errorf("got %x", got)
	}
}

func TestStreamEndsInTheMiddleOfAFrame(t *testing.T) {
	s := scripted(t, bytes.NewReader([]byte{0x40, 0, 0, 8, 1}))
	if n, err := s.Read(make([]byte, maxFrame+1)); n != 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("got %d, %v", n, err)
	}
}

func TestStreamMustSendAFrameAndAllocateInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		frame := channelData(0x4000, "12345678")
		read := func(s *stream) error {
			_, err := s.Read(make([]byte, maxFrame+1))
			return err
		}
		open := func() (*stream, net.Conn) {
			near, far := net.Pipe()
			begin = time.Now()
			s, err := newStream(near, begin, func() {}, func() {})
			if err != nil {
				t.Fatal(err)
			}
			return s, far
		}
		write := func(far net.Conn, b []byte) {
			go func() { _, _ = far.Write(b) }()
		}
		wantTimeout := func(what string, s *stream, after time.Duration) {
			t.Helper()
			if err := read(s); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != after {
				t.Errorf("%s: got %v after %s, want it after %s", what, err, time.Since(begin), after)
			}
		}

		silent, _ := open()
		wantTimeout("silence", silent, frameTimeout)

		slow, far := open()
		write(far, frame[:5])
		wantTimeout("half a frame", slow, frameTimeout)

		idle, far := open()
		write(far, frame)
		if err := read(idle); err != nil {
			t.Fatal(err)
		}
		wantTimeout("no allocation", idle, allocateTimeout)

		busy, far := open()
		write(far, frame)
		if err := read(busy); err != nil {
			t.Fatal(err)
		}
		busy.allocate()
		busy.allocate()
		time.Sleep(time.Hour)
		write(far, frame)
		if err := read(busy); err != nil {
			t.Fatalf("an allocated stream after an hour: %v", err)
		}
		busy.release(time.Now())
		time.Sleep(time.Hour)
		busy.release(time.Now())
		wantTimeout("no allocation any more", busy, 2*time.Hour+allocateTimeout)
	})
}

func TestStreamEndsWhenItsClientStopsReading(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		near, far := net.Pipe()
		closed := 0
		s, err := newStream(near, time.Now(), func() { closed++ }, func() {})
		if err != nil {
			t.Fatal(err)
		}
		begin := time.Now()
		if _, err := s.Write([]byte("unread")); !errors.Is(err, os.ErrDeadlineExceeded) || time.Since(begin) != writeTimeout {
			t.Errorf("write: got %v after %s", err, time.Since(begin))
		}
		if _, err := far.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("the other end: got %v, want EOF", err)
		}
		if err := s.Close(); err != nil || closed != 1 {
			t.Errorf("close again: got %v, closed %d times", err, closed)
		}
	})
}

func TestOneAddressHasOnlySoManyStreams(t *testing.T) {
	h := startWith(t, func(s *Server) { s.limits.perAddress = 2 })
	first, second := h.dialStream(t), h.dialStream(t)
	eventually(t, "two streams", func() bool { return h.streamCount() == 2 })
	wantEnd(t, h.dialStream(t))
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "one stream", func() bool { return h.streamCount() == 1 })
	h.dialStream(t)
	eventually(t, "two streams again", func() bool { return h.streamCount() == 2 })
	if got := h.metric(t, "sightline_turn_refused_streams_total"); got != 1 {
		t.Errorf("refused streams: got %v, want 1", got)
	}
	if err := second.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestStreamOfAnEndedGrantIsClosed(t *testing.T) {
	h := start(t)
	conn := h.dialStream(t)
	raw := newRaw(t, conn, h.credentials(t, grantA, protocol.RoleViewer))
	raw.allocate()
	h.End(grantA)
	wantEnd(t, conn)
	eventually(t, "no stream", func() bool { return h.streamCount() == 0 })
}

// misread is ChannelData that pion/turn takes for 16 bytes more, followed by ChannelData that hides an overflow there.
var misread = slices.Concat(
	channelData(0x4000, "\x21\x12\xA4\x42"+strings.Repeat("x", 12)),
	channelData(0x4000, strings.Repeat("x", 12)+"\x40\x00\xFF\xFC"+strings.Repeat("x", 8)),
)

func skipMisread(b []byte) []byte {
	for {
		size, err := frameLen(b)
		if err != nil || size == 0 || size > len(b) || !isMisread(b[:size]) {
			return b
		}
		b = b[size:]
	}
}

func TestFrameThatPionMisreadsIsLeftOut(t *testing.T) {
	conn := pionturn.NewSTUNConn(scripted(t, bytes.NewReader(misread)))
	buf := make([]byte, maxFrame+1)
	n, _, err := conn.ReadFrom(buf)
	if want := misread[20:]; err != nil || !bytes.Equal(buf[:n], want) {
		t.Errorf("got %x, %v, want %x", buf[:n], err, want)
	}
	if n, _, err := conn.ReadFrom(buf); n != 0 || !errors.Is(err, io.EOF) {
		t.Errorf("end: got %d, %v", n, err)
	}
}

// FuzzStreamYieldsOnlyWholeFrames reads what arrives in pieces, through the guard and pion's own framing behind it.
func FuzzStreamYieldsOnlyWholeFrames(f *testing.F) {
	for _, attack := range overflows {
		f.Add(attack, uint8(3))
	}
	f.Add(bytes.Join([][]byte{channelData(0x4000, ""), channelData(0x4FFF, "12345"), filler}, nil), uint8(1))
	f.Add(channelData(0x4000, strings.Repeat("x", maxFrame-4)), uint8(200))
	f.Add(misread, uint8(0))
	f.Fuzz(func(t *testing.T, in []byte, piece uint8) {
		var pieces []io.Reader
		for rest := in; len(rest) > 0; {
			n := min(len(rest), int(piece)+1)
			pieces = append(pieces, bytes.NewReader(rest[:n]))
			rest = rest[n:]
		}
		conn := pionturn.NewSTUNConn(scripted(t, io.MultiReader(pieces...)))
		rest := in
		for {
			buf := make([]byte, maxFrame+1)
			n, _, err := conn.ReadFrom(buf)
			if err != nil {
				break
			}
			frame := buf[:n]
			rest = skipMisread(rest)
			if n == 0 {
				t.Fatal("read nothing, without an error")
			}
			if size, err := frameLen(frame); err != nil || size != n {
				t.Fatalf("%x is no whole frame: %d, %v", frame, size, err)
			}
			if bytes.HasPrefix(rest, frame) {
				rest = rest[n:]
			} else if !bytes.Equal(frame, filler) {
				t.Fatalf("%x was not sent", frame)
			}
		}
		rest = skipMisread(rest)
		if size, err := frameLen(rest); err == nil && size > 0 && size <= len(rest) {
			t.Fatalf("%x was not read", rest[:size])
		}
	})
}
