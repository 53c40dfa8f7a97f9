package programs

import (
	"encoding/json"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/protocol"
)

// The lines that the contract for tools names, with just these fields.
type (
	serverReady struct {
		Ready bool     `json:"ready"`
		URL   string   `json:"url"`
		Turn  []string `json:"turn"`
		Node  string   `json:"node"`
	}
	agentReady struct {
		Ready  bool   `json:"ready"`
		Device string `json:"device"`
	}
	keyLine struct {
		Key     string `json:"key"`
		Project string `json:"project"`
	}
	codeLine struct {
		Code string `json:"code"`
	}
	tokenLine struct {
		Token string `json:"token"`
	}
	credentialsLine struct {
		Username string `json:"username"`
		Password string `json:"password"`
		Realm    string `json:"realm"`
	}
)

// server is a running one and what its ready line says.
type server struct {
	*process
	serverReady
	data string
}

func serves(t *testing.T, data string, flags ...string) *server {
	t.Helper()
	args := append([]string{
		"serve", "--data", data, "--listen", "127.0.0.1:0", "--turn-listen", "127.0.0.1:0", "--metrics-listen", "off",
	}, flags...)
	s := &server{process: starts(t, "sightline", args...), data: data}
	s.serverReady = decode[serverReady](t, s.line)
	return s
}

// relay is where the relay listens, over UDP and TCP.
func (s *server) relay() string {
	return strings.TrimSuffix(strings.TrimPrefix(s.Turn[0], "turn:"), "?transport=udp")
}

// key makes an API key.
func (s *server) key() string {
	s.t.Helper()
	return answers[keyLine](s.t, "key", "create", "--data", s.data, "--json")[0].Key
}

// enrols starts an agent with a fresh code.
func (s *server) enrols(state string) (*process, string) {
	s.t.Helper()
	code := answers[codeLine](s.t, "enroll", "create", "--data", s.data, "--name", "garden", "--json")[0].Code
	return s.agent("--state", state, "--enroll", code)
}

func (s *server) agent(flags ...string) (*process, string) {
	s.t.Helper()
	args := append([]string{"run", "--hub", s.URL, "--source", "test:", "--media-listen", "127.0.0.1:0", "--port-mapping", "off"}, flags...)
	p := starts(s.t, "sightline-agent", args...)
	ready := decode[agentReady](s.t, p.line)
	if !ready.Ready || ready.Device == "" {
		s.t.Errorf("the agent's line is %q", p.line)
	}
	return p, ready.Device
}

func TestServerSaysInOneLineThatItIsReady(t *testing.T) {
	s := serves(t, t.TempDir())
	u, err := url.Parse(s.URL)
	if err != nil || u.Scheme != "http" || u.Hostname() != "127.0.0.1" || u.Port() == "" || u.Port() == "0" || u.Path != "" {
		t.Errorf("url is %q", s.URL)
	}
	if !s.Ready || s.Node == "" {
		t.Errorf("the line is %q", s.line)
	}
	if len(s.Turn) != 2 {
		t.Fatalf("turn is %v, want UDP and TCP", s.Turn)
	}
	udp, tcp := strings.TrimSuffix(s.Turn[0], "?transport=udp"), strings.TrimSuffix(s.Turn[1], "?transport=tcp")
	if udp != tcp || !strings.HasPrefix(udp, "turn:127.0.0.1:") || strings.HasSuffix(udp, ":0") {
		t.Errorf("turn is %v, want one address and number for UDP and TCP", s.Turn)
	}
	for _, path := range []string{"/healthz", "/readyz"} {
		response, err := http.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.StatusCode != http.StatusOK || response.Header.Get(protocol.ServerHeader) != s.Node {
			t.Errorf("%s answers %s of %q at once, want 200 of %q", path, response.Status, response.Header.Get(protocol.ServerHeader), s.Node)
		}
	}
	s.stops()
	if !strings.Contains(s.said(), "server ready") {
		t.Errorf("stderr has no log: %q", s.said())
	}
}

func TestURLIsWhatTheOperatorSays(t *testing.T) {
	s := serves(t, t.TempDir(), "--url", "https://cameras.example.org")
	if s.URL != "https://cameras.example.org" {
		t.Errorf("url is %q", s.URL)
	}
}

func TestEveryStartIsANewNode(t *testing.T) {
	data := t.TempDir()
	first := serves(t, data)
	first.stops()
	if second := serves(t, data); second.Node == first.Node {
		t.Errorf("both starts are node %s", first.Node)
	}
}

func TestKeyIsKnownAtOnce(t *testing.T) {
	data := t.TempDir()
	before := answers[keyLine](t, "key", "create", "--data", data, "--json")[0]
	s := serves(t, data)
	during := answers[keyLine](t, "key", "create", "--data", data, "--json")[0]
	for _, key := range []keyLine{before, during} {
		if key.Project != "default" {
			t.Errorf("the project is %q", key.Project)
		}
		if status, body := s.get("/v1/devices", key.Key); status != http.StatusOK {
			t.Errorf("the API answers %d %s", status, body)
		}
	}
	if status, _ := s.get("/v1/devices", during.Key+"x"); status != http.StatusUnauthorized {
		t.Errorf("a key that is none is answered %d", status)
	}
}

func (s *server) get(path, key string) (int, string) {
	s.t.Helper()
	return s.asks(http.MethodGet, path, key)
}

func (s *server) asks(method, path, key string) (int, string) {
	s.t.Helper()
	request, err := http.NewRequestWithContext(s.t.Context(), method, s.URL+path, http.NoBody)
	if err != nil {
		s.t.Fatal(err)
	}
	request.Header.Set("Authorization", "Bearer "+key)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		s.t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		s.t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestAgentEnrolsAndIsItselfAfterwards(t *testing.T) {
	s := serves(t, t.TempDir())
	state := filepath.Join(t.TempDir(), "state")
	agent, device := s.enrols(state)
	agent.stops()
	if log := agent.said(); !strings.Contains(log, "enrolled") || !strings.Contains(log, "link up") {
		t.Errorf("stderr has no log: %q", log)
	}
	again, same := s.agent("--state", state)
	if same != device {
		t.Errorf("the device is %s after a start without a code, was %s", same, device)
	}
	again.stops()
	_, body := s.get("/v1/devices/"+device, s.key())
	var row struct {
		Name     string
		Presence struct{ Status string }
	}
	if err := json.Unmarshal([]byte(body), &row); err != nil {
		t.Fatal(err)
	}
	if row.Name != "garden" || row.Presence.Status != "offline" {
		t.Errorf("after its bye the device is %q and %s, want garden and offline at once", row.Name, row.Presence.Status)
	}
	s.stops()
}

func TestAgentWaitsForItsServer(t *testing.T) {
	data, state := t.TempDir(), t.TempDir()
	s := serves(t, data)
	agent, _ := s.enrols(state)
	at := strings.TrimPrefix(s.URL, "http://")
	s.stops()
	back := serves(t, data, "--listen", at)
	key := answers[keyLine](t, "key", "create", "--data", data, "--json")[0].Key
	deadline := time.After(patience)
	for online := false; !online; {
		_, body := back.get("/v1/devices", key)
		online = strings.Contains(body, `"status":"online"`)
		select {
		case <-time.After(50 * time.Millisecond):
		case <-deadline:
			t.Fatalf("the device does not come back: %s", body)
		}
	}
	agent.stops()
}

func TestTokenOpensALinkAtOnce(t *testing.T) {
	s := serves(t, t.TempDir())
	_, device := s.enrols(t.TempDir())
	token := answers[tokenLine](t, "token", "create", "--data", s.data, "--device", device, "--json")[0].Token
	dialer := websocket.Dialer{Subprotocols: []string{protocol.Subprotocol}, HandshakeTimeout: patience}
	conn, response, err := dialer.DialContext(t.Context(), strings.Replace(s.URL, "http", "ws", 1)+"/v1/link", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer response.Body.Close()
	hello := protocol.Must(protocol.TypeHello, "", &protocol.Hello{
		Version: protocol.Version, Role: protocol.RoleViewer, Token: token, Client: protocol.Client{Name: "test"},
	})
	message, err := hello.Encode()
	if err == nil {
		err = conn.WriteMessage(websocket.TextMessage, message)
	}
	if err != nil {
		t.Fatal(err)
	}
	var got []protocol.Type
	for range 2 {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		_, message, err := conn.ReadMessage()
		if err != nil {
			t.Fatal(err)
		}
		e, body, err := protocol.Decode(message)
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, e.Type)
		if snapshot, ok := body.(*protocol.Snapshot); ok {
			if len(snapshot.Presence) != 1 || string(snapshot.Presence[0].Device) != device || snapshot.Presence[0].Status != protocol.StatusOnline {
				t.Errorf("the token sees %+v, want %s online", snapshot.Presence, device)
			}
		}
	}
	if want := []protocol.Type{protocol.TypeWelcome, protocol.TypeSnapshot}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestCredentialsAllocateAtOnce(t *testing.T) {
	s := serves(t, t.TempDir())
	lines := answers[credentialsLine](t, "turn", "credentials", "--data", s.data, "--count", "2", "--json")
	if len(lines) != 2 || lines[0].Username == lines[1].Username {
		t.Fatalf("got %+v, want two sessions", lines)
	}
	at := s.relay()
	for _, c := range lines {
		if err := allocate(t, at, c); err != nil {
			t.Errorf("allocate with %s: %v", c.Username, err)
		}
	}
	wrong := lines[0]
	wrong.Password += "x"
	if err := allocate(t, at, wrong); err == nil {
		t.Error("a wrong password allocated")
	}
}

// maxAgentBytes is what a camera's flash has room for (issue 2).
const maxAgentBytes = 16 << 20

func TestAgentIsSmall(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sightline-agent")
	build := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-ldflags", "-s -w", "-o", path,
		"github.com/sightline-rtc/sightline/cmd/sightline-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("the agent has %.1f MB", float64(info.Size())/(1<<20))
	if info.Size() > maxAgentBytes {
		t.Errorf("the agent has %d bytes, at most %d fit", info.Size(), maxAgentBytes)
	}
}
