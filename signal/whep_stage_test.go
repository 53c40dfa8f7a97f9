package signal

import (
	"context"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// playerOffer is one of a player that watches, without candidates.
const playerOffer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:play\r\na=ice-pwd:0123456789012345678901\r\na=rtcp-mux\r\na=recvonly\r\n"

// deviceAnswer is a device's, of an ICE session that ufrag names.
func deviceAnswer(ufrag string) string {
	return "v=0\r\no=- 3 4 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n" +
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=mid:0\r\na=ice-ufrag:" + ufrag + "\r\na=ice-pwd:9876543210987654321098\r\na=rtcp-mux\r\na=sendonly\r\n"
}

const deviceCandidate = "candidate:1 1 udp 2130706431 192.0.2.9 5000 typ host"

// theater is a stage with the WHEP door.
type theater struct {
	*stage
	server *httptest.Server
}

func newTheater(t *testing.T, configure func(*Config)) *theater {
	t.Helper()
	s := onSockets(t, configure)
	mux := http.NewServeMux()
	mux.HandleFunc("/v1/devices/{device}/whep", func(w http.ResponseWriter, r *http.Request) { s.hub.ServeWHEP(w, r) })
	mux.HandleFunc("/v1/devices/{device}/whep/{session}", func(w http.ResponseWriter, r *http.Request) { s.hub.ServeWHEPSession(w, r) })
	server := httptest.NewServer(mux)
	t.Cleanup(server.Close)
	server.Client().CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &theater{stage: s, server: server}
}

// reply is an answer of the door.
type reply struct {
	*http.Response
	text string
}

// request sends one; headers are pairs of name and value.
func (th *theater) request(t *testing.T, method, path, body string, headers ...string) reply {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, th.server.URL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	response, err := th.server.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{response, string(text)}
}

func (th *theater) post(t *testing.T, offer string, headers ...string) reply {
	t.Helper()
	return th.request(t, http.MethodPost, protocol.WHEPPath(camera), offer,
		append([]string{"Authorization", "Bearer " + th.token(t, nil), "Content-Type", "application/sdp"}, headers...)...)
}

// play opens a session and returns the 201.
func (th *theater) play(t *testing.T) reply {
	t.Helper()
	got := th.post(t, playerOffer)
	if got.StatusCode != http.StatusCreated {
		t.Fatalf("got %s: %s", got.Status, got.text)
	}
	return got
}

func (th *theater) patch(t *testing.T, made reply, body string, headers ...string) reply {
	t.Helper()
	return th.request(t, http.MethodPatch, made.Header.Get("Location"), body, append([]string{"Content-Type", "application/trickle-ice-sdpfrag"}, headers...)...)
}

// problem reads the body of a refusal.
func (r reply) problem(t *testing.T) problem {
	t.Helper()
	var p problem
	if err := json.Unmarshal([]byte(r.text), &p); err != nil || r.Header.Get("Content-Type") != "application/problem+json" || p.Status != r.StatusCode {
		t.Errorf("got %s with %s %q, want a problem", r.Status, r.Header.Get("Content-Type"), r.text)
	}
	return p
}

// id is the session of a resource.
func (r reply) id(t *testing.T) protocol.SessionID {
	t.Helper()
	location := r.Header.Get("Location")
	id, _, ok := parseName(location[strings.LastIndexByte(location, '/')+1:])
	if !ok {
		t.Fatalf("Location %q names no session", location)
	}
	return id
}

// answering lets a device answer every invite and every later offer, with candidates afterwards; it tells what else came.
// The n-th offer of a session is answered with the ufrag of revision n.
func (th *theater) answering(t *testing.T, d *peer, whole bool) <-chan message {
	t.Helper()
	rest := make(chan message, maxInbox)
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	th.pumps.Go(func() {
		for {
			select {
			case m, ok := <-d.inbox:
				if !ok {
					return
				}
				if !th.answered(d, m, whole) {
					rest <- m
				}
			case <-ctx.Done():
				return
			}
		}
	})
	return rest
}

func (th *theater) answered(d *peer, m message, whole bool) bool {
	revision := 1
	switch b := m.body.(type) {
	case *protocol.Invite:
		d.reply(m, protocol.TypeReply, &protocol.Reply{})
	case *protocol.Describe:
		revision = b.Revision
	default:
		return false
	}
	ufrag := "dev" + string(rune('0'+revision))
	d.post(protocol.TypeDescribe, m.Session, &protocol.Describe{Revision: revision, Kind: protocol.DescribeAnswer, SDP: deviceAnswer(ufrag)})
	d.post(protocol.TypeCandidate, m.Session, &protocol.Candidate{Revision: revision, Candidate: deviceCandidate, Mid: "0", Ufrag: ufrag})
	if whole {
		d.post(protocol.TypeCandidate, m.Session, &protocol.Candidate{Revision: revision, Mid: "0", Ufrag: ufrag})
	}
	return true
}

// next returns what a device got besides offers.
func next(t *testing.T, rest <-chan message, kind protocol.Type) message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for {
		select {
		case m := <-rest:
			if m.Type == kind {
				return m
			}
		case <-ctx.Done():
			t.Fatalf("no %s came", kind)
		}
	}
}
