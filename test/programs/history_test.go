package programs

import (
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// connection is one line of a device's history, as far as tests look.
type connection struct {
	Generation uint64
	Address    string
	Transport  string
	Agent      struct{ Name string }
	Closed     time.Time
	Cause      record.Cause
	Detail     string
}

// history asks until a device's newest connection is as wanted, and returns all.
func (s *server) history(device, key string, want func(newest connection) bool) []connection {
	s.t.Helper()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(patience)
	for {
		status, body := s.get("/v1/devices/"+device+"/connections", key)
		var answer struct{ Connections []connection }
		if err := json.Unmarshal([]byte(body), &answer); err != nil || status != http.StatusOK {
			s.t.Fatalf("the API answers %d %s: %v", status, body, err)
		}
		if len(answer.Connections) > 0 && want(answer.Connections[0]) {
			return answer.Connections
		}
		select {
		case <-tick.C:
		case <-deadline:
			s.t.Fatalf("the history stays %s", body)
		}
	}
}

func open(c connection) bool { return c.Closed.IsZero() }

func (p *process) kill() {
	p.t.Helper()
	if err := p.cmd.Process.Kill(); err != nil {
		p.t.Fatal(err)
	}
	<-p.done
}

func TestTheAPISaysWhyACameraDropped(t *testing.T) {
	data, state := t.TempDir(), filepath.Join(t.TempDir(), "state")
	s := serves(t, data)
	key := s.key()
	agent, device := s.enrols(state)
	first := s.history(device, key, open)[0]
	if first.Generation != 1 || first.Address != "127.0.0.1" || first.Transport != "websocket" || first.Agent.Name != "sightline-agent" {
		t.Errorf("the open connection is %+v", first)
	}

	agent.kill()
	s.history(device, key, func(c connection) bool { return c.Cause == record.CauseLost && c.Detail != "" })

	agent, _ = s.agent("--state", state)
	s.history(device, key, open)
	s.kill()
	s = serves(t, data)
	s.history(device, key, func(c connection) bool { return c.Generation == 2 && c.Cause == record.CauseHubLost })

	agent.stops()
	agent, _ = s.agent("--state", state)
	s.history(device, key, open)
	agent.stops()
	list := s.history(device, key, func(c connection) bool { return c.Cause == record.CauseBye })
	if len(list) != 3 || list[1].Cause != record.CauseHubLost || list[2].Cause != record.CauseLost {
		t.Errorf("the history is %+v", list)
	}
}

func TestClosingATestSessionClosesItsAllocation(t *testing.T) {
	s := serves(t, t.TempDir())
	credentials := answers[credentialsLine](t, "turn", "credentials", "--data", s.data, "--json")[0]
	conn, err := net.Dial("tcp", s.relay())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := allocateOn(conn, credentials); err != nil {
		t.Fatal(err)
	}
	key := s.key()
	var list struct {
		Sessions []struct {
			ID    protocol.SessionID
			State protocol.SessionState
		}
	}
	_, body := s.get("/v1/sessions", key)
	if err := json.Unmarshal([]byte(body), &list); err != nil || len(list.Sessions) != 1 {
		t.Fatalf("got the sessions %s: %v", body, err)
	}
	path := "/v1/sessions/" + string(list.Sessions[0].ID)
	for range 2 {
		if status, body := s.asks(http.MethodDelete, path, key); status != http.StatusNoContent {
			t.Fatalf("closing the session is answered %d %s", status, body)
		}
	}
	if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("the allocation's connection: got %v, want its end", err)
	}
	if err := allocate(t, s.relay(), credentials); err == nil {
		t.Error("the credentials of the closed session allocate")
	}
}
