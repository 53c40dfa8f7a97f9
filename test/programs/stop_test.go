package programs

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// signals sends a signal.
func (p *process) signals(signal syscall.Signal) {
	p.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil {
		p.t.Fatal(err)
	}
}

// ended waits for the end and wants status 0.
func (p *process) ended() {
	p.t.Helper()
	select {
	case <-p.done:
	case <-time.After(patience):
		p.t.Fatal("the program does not end")
	}
	if status := p.cmd.ProcessState.ExitCode(); status != 0 {
		p.t.Errorf("status %d, want 0", status)
	}
}

// links opens links of viewers of one device.
func (s *server) links(device string, count int) []*websocket.Conn {
	s.t.Helper()
	token := answers[tokenLine](s.t, "token", "create", "--data", s.data, "--device", device, "--json")[0].Token
	all := make([]*websocket.Conn, count)
	for i := range all {
		conn, response, err := websocket.DefaultDialer.Dial(strings.Replace(s.URL, "http", "ws", 1)+"/v1/link", nil)
		if err != nil {
			s.t.Fatal(err)
		}
		response.Body.Close()
		s.t.Cleanup(func() { _ = conn.Close() })
		hello := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
			Version: protocol.Version, Role: protocol.RoleViewer, Token: token, Client: protocol.Client{Name: "test"},
		})
		message, err := hello.Encode()
		if err != nil {
			s.t.Fatal(err)
		}
		if err := conn.WriteMessage(websocket.TextMessage, message); err != nil {
			s.t.Fatal(err)
		}
		hear[*protocol.Welcome](s.t, conn)
		all[i] = conn
	}
	return all
}

// hear reads a link until a message with that body comes.
func hear[M protocol.Message](t *testing.T, conn *websocket.Conn) M {
	t.Helper()
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for {
		_, message, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		if _, body, err := protocol.Decode(message); err == nil {
			if m, ok := body.(M); ok {
				return m
			}
		}
	}
}

// hangs sends the beginning of a request, for which a server that stops in order waits.
func (s *server) hangs() net.Conn {
	s.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(s.URL, "http://"))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { _ = conn.Close() })
	// Expect makes the server say that it reads the body.
	if _, err := fmt.Fprintf(conn, "POST /v1/enroll HTTP/1.1\r\nHost: test\r\nContent-Type: application/json\r\n"+
		"Expect: 100-continue\r\nContent-Length: 10\r\n\r\n"); err != nil {
		s.t.Fatal(err)
	}
	if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 100 Continue\r\n\r\n"))); err != nil {
		s.t.Fatalf("the request is not read: %v", err)
	}
	return conn
}

func TestAServerThatStopsGivesEachLinkItsSlot(t *testing.T) {
	s := serves(t, t.TempDir(), "--accept-rate", "40", "--drain-deadline", "100ms")
	agent, device := s.enrols(t.TempDir())
	links := s.links(device, 5)
	s.hangs()
	s.signals(syscall.SIGTERM)
	slots := map[int64]bool{}
	for _, link := range links {
		slot := hear[*protocol.Goaway](t, link)
		slots[slot.AfterMS] = true
		// The agent has the first one, which begins when the sockets are closed at the latest. The rate would take 150 ms.
		if slot.AfterMS <= slot.DeadlineMS || slot.AfterMS >= slot.DeadlineMS+100 || len(slot.Hosts) != 0 {
			t.Errorf("got %+v", slot)
		}
		_, _, err := link.ReadMessage()
		for err == nil {
			_, _, err = link.ReadMessage()
		}
		if !websocket.IsCloseError(err, int(protocol.CloseGoingAway)) {
			t.Errorf("the link ended with %v", err)
		}
	}
	if len(slots) != len(links) {
		t.Errorf("%d links have the slots %v", len(links), slots)
	}
	if response, err := http.Get(s.URL + "/readyz"); err == nil { // it may not take connections any more
		response.Body.Close()
		if response.StatusCode != http.StatusServiceUnavailable {
			t.Errorf("a server that stops is ready: %s", response.Status)
		}
	}
	s.ended()
	for _, line := range []string{`msg="hub drains" links=6 rate=40 spread=98.8ms`, `msg="hub drained" links=6 took=`} {
		if !strings.Contains(s.said(), line) {
			t.Errorf("the log lacks %q", line)
		}
	}
	agent.stops()
}

func TestASecondSignalStopsAtOnce(t *testing.T) {
	for _, signal := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT} {
		t.Run(signal.String(), func(t *testing.T) {
			data := t.TempDir()
			s := serves(t, data)
			agent, device := s.enrols(t.TempDir())
			link := s.links(device, 1)[0]
			request := s.hangs()
			s.signals(signal)
			hear[*protocol.Goaway](t, link)
			s.signals(signal)
			s.ended()
			if _, err := request.Read(make([]byte, 1)); err == nil {
				t.Error("the request was answered, though nobody waited for its body")
			}
			if !strings.Contains(s.said(), "stopping at once") || strings.Contains(s.said(), "level=ERROR") {
				t.Error("the log does not say that it stopped at once, and nothing worse")
			}
			agent.stops()
			key := serves(t, data).key()
			if key == "" {
				t.Error("the data cannot be used any more")
			}
		})
	}
}
