//go:build linux

package abuse

import (
	"context"
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// password is the ICE password of all hostile sessions.
const password = "hostilehostilehostilehostile"

// offerOf is a viewer's offer with candidates that nobody gathered.
func offerOf(ufrag string, candidates []string) string {
	var sdp strings.Builder
	fmt.Fprintf(&sdp, "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0\r\n"+
		"m=video 9 UDP/TLS/RTP/SAVPF 96\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:%s\r\na=ice-pwd:%s\r\n"+
		"a=fingerprint:sha-256 %s\r\na=setup:actpass\r\na=mid:0\r\na=recvonly\r\na=rtcp-mux\r\n"+
		"a=rtpmap:96 H264/90000\r\na=fmtp:96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f\r\n",
		ufrag, password, strings.TrimSuffix(strings.Repeat("AB:", 32), ":"))
	for _, c := range candidates {
		sdp.WriteString("a=" + c + "\r\n")
	}
	return sdp.String()
}

// candidateOf is a candidate of a type, such as "udp srflx".
func candidateOf(kind string, at netip.AddrPort) string {
	transport, name, _ := strings.Cut(kind, " ")
	line := fmt.Sprintf("candidate:%d 1 %s 2113937151 %s %d typ %s", at.Port(), transport, at.Addr(), at.Port(), name)
	if name != "host" {
		line += " raddr 0.0.0.0 rport 9"
	}
	if transport == "tcp" {
		line += " tcptype passive"
	}
	return line
}

// hostile is a viewer that has a good token and bad intentions.
type hostile struct {
	*client
	scene *scene

	mu      sync.Mutex // guards what follows
	changed chan struct{}
	answers map[protocol.SessionID][]protocol.Describe
}

func (s *scene) hostile() *hostile {
	h := &hostile{scene: s, changed: make(chan struct{}), answers: make(map[protocol.SessionID][]protocol.Describe)}
	h.client = s.dial(s.Viewer(), h.heard)
	return h
}

func (h *hostile) heard(e protocol.Envelope, body protocol.Message) {
	d, ok := body.(*protocol.Describe)
	if !ok || d.Kind != protocol.DescribeAnswer {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.answers[e.Session] = append(h.answers[e.Session], *d)
	close(h.changed)
	h.changed = make(chan struct{})
}

// answer waits for the n-th answer of a session.
func (h *hostile) answer(session protocol.SessionID, n int) protocol.Describe {
	h.t.Helper()
	deadline := time.After(patience)
	for {
		h.mu.Lock()
		answers, changed := h.answers[session], h.changed
		h.mu.Unlock()
		if len(answers) >= n {
			return answers[n-1]
		}
		select {
		case <-changed:
		case <-deadline:
			h.t.Fatalf("the camera does not answer offer %d", n)
		}
	}
}

// end closes a session.
func (h *hostile) end(session protocol.SessionID) {
	h.t.Helper()
	if err := h.say(h.t.Context(), protocol.TypeClose, session, &protocol.Close{Reason: protocol.ReasonViewerLeft}); err != nil {
		h.t.Errorf("close a session: %v", err)
	}
}

var (
	ufragLine     = regexp.MustCompile(`a=ice-ufrag:(\S+)`)
	passwordLine  = regexp.MustCompile(`a=ice-pwd:(\S+)`)
	candidateLine = regexp.MustCompile(`a=candidate:\S+ 1 udp \S+ (\S+) (\d+) typ srflx`)
)

// flood trickles candidates until they or the patience of the hub are at their end, and returns how many it took.
func (h *hostile) flood(ctx context.Context, session protocol.SessionID, ufrag string, candidates []string) int {
	for n, c := range candidates {
		if h.say(ctx, protocol.TypeCandidate, session, &protocol.Candidate{Candidate: c, Mid: "0", Ufrag: ufrag}) != nil {
			return n
		}
	}
	return len(candidates)
}
