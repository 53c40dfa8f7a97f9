package protocol

import "time"

// Snapshot follows every welcome: the sessions that this link has and the devices it may see.
type Snapshot struct {
	Sessions []SessionInfo `json:"sessions"`
	Presence []Presence    `json:"presence"`
}

// SessionInfo is one session as the hub knows it.
type SessionInfo struct {
	Session SessionID    `json:"session"`
	State   SessionState `json:"state"`
	Reason  Reason       `json:"reason,omitempty"`
}

// SessionState is where a session stands.
type SessionState string

// The states of a session.
const (
	SessionOpening  SessionState = "opening"  // opened, no answer has passed yet
	SessionAnswered SessionState = "answered" // the device's answer has passed
	SessionEnded    SessionState = "ended"
)

// Presence says whether a device can be reached.
type Presence struct {
	Device DeviceID `json:"device"`
	// Name is what people call the device; empty if nobody gave it one.
	Name       string `json:"name,omitempty"`
	Status     Status `json:"status"`
	Generation uint64 `json:"generation"`
	// Since is when the device got this status; zero means never, as for a device that was never online.
	Since time.Time `json:"since,omitzero"`
	// Transport is what carries the device's link, and Fallback why that is no WebSocket; both are empty unless online.
	Transport Transport `json:"transport,omitempty"`
	Fallback  *Fallback `json:"fallback,omitempty"`
}

// Status is what presence says of a device.
type Status string

// The states of presence: online, suspect for up to SuspectWindow after its link was lost, offline.
const (
	StatusOnline  Status = "online"
	StatusSuspect Status = "suspect"
	StatusOffline Status = "offline"
)

// Policy says how a session may go and until when. The device ends the session itself when Expires passes.
type Policy struct {
	Path PathPolicy `json:"path"`
	// RelayDelayMS is how long the viewer tries without a relay first; 0 means that it gathers relays at once.
	RelayDelayMS int64 `json:"relay_delay_ms"`
	// Quota says that the path is PathDirectOnly because the project's relay budget is used up.
	Quota bool `json:"quota,omitempty"`
	// MaxKbps and MaxRelayS bound the relay path in kilobits per second and in seconds; 0 means no bound.
	MaxKbps   int `json:"max_kbps,omitempty"`
	MaxRelayS int `json:"max_relay_s,omitempty"`
	// RelayHD lets the best rendition go over a relay; without it the device sends a smaller one there, if it has one.
	RelayHD bool      `json:"relay_hd,omitempty"`
	Expires time.Time `json:"expires"`
}

// PathPolicy says which paths a session may take.
type PathPolicy string

// The path policies.
const (
	PathDirectOnly   PathPolicy = "direct_only"
	PathPreferDirect PathPolicy = "prefer_direct"
	PathRelayOnly    PathPolicy = "relay_only"
)

// ICEServers brings fresh relay credentials before the old ones expire: for a session, or for the link.
type ICEServers struct {
	ICEServers []ICEServer `json:"ice_servers"`
	Grant      GrantID     `json:"grant,omitempty"`
}

// Stats are quality figures. With Media they are the sign that media flows, sent every MediaReport.
type Stats struct {
	Media       bool    `json:"media,omitempty"`
	Bytes       uint64  `json:"bytes,omitempty"`
	Packets     uint64  `json:"packets,omitempty"`
	Lost        uint64  `json:"lost,omitempty"`
	Frames      uint64  `json:"frames,omitempty"`
	FPS         float64 `json:"fps,omitempty"`
	BitrateKbps float64 `json:"bitrate_kbps,omitempty"`
	RTTMS       float64 `json:"rtt_ms,omitempty"`
	JitterMS    float64 `json:"jitter_ms,omitempty"`
	// Retransmitted are packets sent again, KeyframeRequests those that the viewer made, and Dropped pictures that were left
	// out for it because it was too slow. They count from the beginning of the session, and a device tells them, like all
	// that follows.
	Retransmitted    uint64 `json:"retransmitted,omitempty"`
	KeyframeRequests uint64 `json:"keyframe_requests,omitempty"`
	Dropped          uint64 `json:"dropped,omitempty"`
	// EstimateKbps is what the path carries at the least, Rendition what is sent.
	EstimateKbps float64       `json:"estimate_kbps,omitempty"`
	Rendition    RenditionName `json:"rendition,omitempty"`
	// DirectS and RelayS are the seconds on each path.
	DirectS    float64     `json:"direct_s,omitempty"`
	RelayS     float64     `json:"relay_s,omitempty"`
	Milestones *Milestones `json:"milestones,omitempty"`
	// Last says that the session is over and nothing follows.
	Last bool `json:"last,omitempty"`
}

// Milestones are when a session got that far, in milliseconds from the device's invite; 0 means not yet.
type Milestones struct {
	OfferMS    float64 `json:"offer_ms,omitempty"`
	AnswerMS   float64 `json:"answer_ms,omitempty"`
	ICEMS      float64 `json:"ice_ms,omitempty"`
	DTLSMS     float64 `json:"dtls_ms,omitempty"`
	KeyframeMS float64 `json:"keyframe_ms,omitempty"`
}

// Capture asks a device for a still picture, which it sends with PUT /v1/link/snapshot?request=Request.
type Capture struct {
	// Request is 32 hexadecimal digits.
	Request string `json:"request"`
}

// Event tells something that happened; Event numbers grow by one.
type Event struct {
	Event   uint64    `json:"event"`
	Kind    string    `json:"kind"`
	At      time.Time `json:"at"`
	Device  DeviceID  `json:"device,omitempty"`
	Session SessionID `json:"session,omitempty"`
}

// Gap says that the events From to To, both included, were dropped and must be pulled.
type Gap struct {
	From uint64 `json:"from"`
	To   uint64 `json:"to"`
}

func (m *Snapshot) validate() error { return nil }

func (m *Presence) validate() error {
	if !m.Device.Valid() {
		return Errorf(CodeBadMessage, "presence: bad device")
	}
	return nil
}

func (m *Policy) validate() error {
	switch m.Path {
	case PathDirectOnly, PathPreferDirect, PathRelayOnly:
		return nil
	}
	return Errorf(CodeBadMessage, "policy: unknown path policy %q", clip(string(m.Path)))
}

func (m *ICEServers) validate() error { return checkServers(m.ICEServers) }

func (m *Stats) validate() error { return checkSize("rendition", len(m.Rendition), MaxNameBytes) }

func (m *Capture) validate() error {
	if !GrantID(m.Request).Valid() {
		return Errorf(CodeBadMessage, "capture: the request is 32 lower-case hexadecimal digits")
	}
	return nil
}

func (m *Event) validate() error {
	if m.Event == 0 || m.Kind == "" {
		return Errorf(CodeBadMessage, "event: event and kind must be set")
	}
	return nil
}

func (m *Gap) validate() error {
	if m.From == 0 || m.To < m.From {
		return Errorf(CodeBadMessage, "gap: from is 1 or more and not past to")
	}
	return nil
}
