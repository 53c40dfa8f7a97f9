package protocol

import "time"

// Hello is the first message of a client on a new socket, within HelloTimeout.
type Hello struct {
	Version int    `json:"version"`
	Role    Role   `json:"role"`
	Token   string `json:"token"`
	Client  Client `json:"client"`
	// MaxSessions is how many viewers a device serves at once; 0 means DefaultMaxSessions.
	MaxSessions int `json:"max_sessions,omitempty"`
	// Resume asks for a link to go on that lost its socket.
	Resume *Resume `json:"resume,omitempty"`
	// Fallback says why this link is not on a WebSocket; nil when it is, or when the client does not say.
	Fallback *Fallback `json:"fallback,omitempty"`
}

// Client says what program is at the other end, for people who look for a fault.
type Client struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Model   string `json:"model,omitempty"`
}

// Resume names a link and proves that it is the caller's.
type Resume struct {
	Link LinkID `json:"link"`
	Key  string `json:"key"`
	// Received is the highest sequence number that came from the hub.
	Received uint64 `json:"received"`
}

// Welcome is always the hub's first message on a new socket that it accepts.
type Welcome struct {
	Link LinkID `json:"link"`
	Key  string `json:"key"`
	Node NodeID `json:"node"`
	// Resumed says whether the link went on; if not, Reason says why and both sequences start anew.
	Resumed bool         `json:"resumed"`
	Reason  ResumeReason `json:"reason,omitempty"`
	// Received is the highest sequence number that the hub had from the client, when resumed.
	Received uint64 `json:"received"`
	PingS    int    `json:"ping_s"`
	// ResumeS is how many seconds the link lives without a socket; 0 means that it cannot be resumed.
	ResumeS int       `json:"resume_s"`
	Limits  Limits    `json:"limits"`
	Now     time.Time `json:"now"`
	// ICEServers are what a viewer may gather candidates with before it opens a session, and Grant names its relays. A
	// device gets STUN servers alone, to know its address before anybody calls.
	ICEServers []ICEServer `json:"ice_servers,omitempty"`
	Grant      GrantID     `json:"grant,omitempty"`
	// Path and RelayDelayMS are those of the policy that a viewer's session will have; empty and 0 for a device.
	Path         PathPolicy `json:"path,omitempty"`
	RelayDelayMS int64      `json:"relay_delay_ms,omitempty"`
}

// ResumeReason says why a link is a new one.
type ResumeReason string

// The reasons of resumed:false.
const (
	ResumeNew        ResumeReason = "new"
	ResumeExpired    ResumeReason = "expired"
	ResumeOverflow   ResumeReason = "overflow"
	ResumeNodeLost   ResumeReason = "node_lost"
	ResumeSuperseded ResumeReason = "superseded"
)

// Limits repeats in welcome the limits that a client must keep.
type Limits struct {
	MessageBytes          int `json:"message_bytes"`
	Unacked               int `json:"unacked"`
	UnackedBytes          int `json:"unacked_bytes"`
	CandidatesPerSecond   int `json:"candidates_per_s"`
	DescriptionsPerSecond int `json:"descriptions_per_s"`
}

// ICEServer is one entry of an RTCPeerConnection's iceServers.
type ICEServer struct {
	URLs       []string `json:"urls"`
	Username   string   `json:"username,omitempty"`
	Credential string   `json:"credential,omitempty"`
}

// Goaway gives a client its slot when the hub stops.
type Goaway struct {
	// AfterMS is when the client is to come, from now; DeadlineMS when the hub closes the socket at the latest.
	AfterMS    int64 `json:"after_ms"`
	DeadlineMS int64 `json:"deadline_ms"`
	// Hosts are other doors, as host or host:port; without one the client comes back here once the socket is closed.
	Hosts []string `json:"hosts,omitempty"`
}

func (m *Hello) validate() error {
	if !m.Role.Valid() {
		return Errorf(CodeBadMessage, "hello: the role is device or viewer")
	}
	if m.MaxSessions < 0 || m.MaxSessions > 1000 {
		return Errorf(CodeBadMessage, "hello: max_sessions is 0 to 1000")
	}
	if err := checkSize("token", len(m.Token), MaxTokenBytes); err != nil {
		return err
	}
	for _, s := range []string{m.Client.Name, m.Client.Version, m.Client.Model} {
		if err := checkSize("client", len(s), MaxNameBytes); err != nil {
			return err
		}
	}
	if m.Resume != nil {
		if err := checkSize("resume", len(m.Resume.Link)+len(m.Resume.Key), MaxNameBytes); err != nil {
			return err
		}
	}
	if m.Fallback != nil {
		return m.Fallback.validate()
	}
	return nil
}

func (m *Welcome) validate() error {
	if m.Link == "" || m.PingS <= 0 {
		return Errorf(CodeBadMessage, "welcome: link and ping_s must be set")
	}
	return checkServers(m.ICEServers)
}

func (m *Goaway) validate() error {
	if m.AfterMS < 0 || m.DeadlineMS < 0 {
		return Errorf(CodeBadMessage, "goaway: times are not negative")
	}
	if len(m.Hosts) > MaxHosts {
		return Errorf(CodeTooLarge, "goaway: %d hosts are over the limit of %d", len(m.Hosts), MaxHosts)
	}
	return nil
}

func checkServers(servers []ICEServer) error {
	if len(servers) > MaxICEServers {
		return Errorf(CodeTooLarge, "%d ICE servers are over the limit of %d", len(servers), MaxICEServers)
	}
	return nil
}
