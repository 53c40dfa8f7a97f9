package protocol

import "time"

// Media says what a viewer would like to receive or send.
type Media struct {
	Video bool `json:"video"`
	Audio bool `json:"audio,omitempty"`
	Talk  bool `json:"talk,omitempty"`
}

// Offer is a viewer's session description with its revision.
type Offer struct {
	Revision int    `json:"revision"`
	SDP      string `json:"sdp"`
}

// Open asks for a session. The envelope names it.
type Open struct {
	Device DeviceID `json:"device"`
	// Grant is the relay grant that the viewer gathered with; empty means none.
	Grant GrantID `json:"grant,omitempty"`
	// Owner is 32 hexadecimal digits of the viewer's choice that prove later that the session is its own.
	Owner string `json:"owner"`
	Media Media  `json:"media"`
	// Offer is the usual way; without it the device is invited at once and a describe must follow.
	Offer *Offer `json:"offer,omitempty"`
	// Trickle says whether candidates may follow the descriptions; absent means yes.
	Trickle *bool `json:"trickle,omitempty"`
}

// Opened says that the session exists; it comes before anything else of its session.
type Opened struct {
	Policy  Policy    `json:"policy"`
	Expires time.Time `json:"expires"`
	// NextGrant and ICEServers serve the viewer's next session.
	NextGrant  GrantID     `json:"next_grant,omitempty"`
	ICEServers []ICEServer `json:"ice_servers,omitempty"`
}

// Invite asks a device to serve a viewer. It answers with reply or error.
type Invite struct {
	Viewer Viewer `json:"viewer"`
	// Grants are the viewer's rights on the device.
	Grants     []Right     `json:"grants"`
	ICEServers []ICEServer `json:"ice_servers,omitempty"`
	Grant      GrantID     `json:"grant,omitempty"`
	Policy     Policy      `json:"policy"`
	Expires    time.Time   `json:"expires"`
	Media      Media       `json:"media"`
	Offer      *Offer      `json:"offer,omitempty"`
	Trickle    bool        `json:"trickle"`
}

// Viewer is what a device may know of who looks.
type Viewer struct {
	Name string `json:"name,omitempty"`
	// SameNetwork says that the viewer's link comes from the IPv4 address, or the IPv6 /64, that the device's comes from: they
	// are behind one NAT, or in one network.
	SameNetwork bool `json:"same_network,omitempty"`
}

// Describe carries a session description, or a device's wish for a new offer.
type Describe struct {
	Revision int          `json:"revision"`
	Kind     DescribeKind `json:"kind"`
	SDP      string       `json:"sdp,omitempty"`
	// Origins tell of candidates in an answer how the device came by them. Those that are left out are ordinary.
	Origins []Origin `json:"origins,omitempty"`
}

// Origin says how a device came by one of its candidates.
type Origin struct {
	// Address is the candidate's, as host:port.
	Address string `json:"address"`
	Means   Means  `json:"means"`
}

// DescribeKind is offer or answer as in RFC 3264, or restart: a device asks the viewer for an ICE restart.
type DescribeKind string

// The kinds of a description.
const (
	DescribeOffer   DescribeKind = "offer"
	DescribeAnswer  DescribeKind = "answer"
	DescribeRestart DescribeKind = "restart"
)

// Candidate is one ICE candidate (RFC 8838); an empty Candidate ends them.
type Candidate struct {
	Revision  int    `json:"revision"`
	Candidate string `json:"candidate"`
	Mid       string `json:"mid,omitempty"`
	MLine     int    `json:"mline"`
	Ufrag     string `json:"ufrag,omitempty"`
	// Means is that of an Origin; empty for an ordinary candidate.
	Means Means `json:"means,omitempty"`
}

// PathKind is how a session's media goes.
type PathKind string

// The paths.
const (
	PathDirect PathKind = "direct"
	PathRelay  PathKind = "relay"
)

// Means is what made a path. An end may tell others than these.
type Means string

// The means, each of which hides those before it: see Means.Over.
const (
	MeansICE       Means = "ice"       // what plain ICE finds
	MeansPredicted Means = "predicted" // a port that a NAT was expected to give
	MeansMapped    Means = "mapped"    // a port that the router was asked for
	MeansIPv6      Means = "ipv6"
	MeansTCP       Means = "tcp" // ICE-TCP (RFC 6544)
	MeansRelay     Means = "relay"
)

// Over returns which of two ends' means tells of their path: each sees only its own side of it.
func (m Means) Over(other Means) Means {
	for _, strong := range []Means{MeansRelay, MeansTCP, MeansIPv6, MeansMapped, MeansPredicted} {
		if m == strong || other == strong {
			return strong
		}
	}
	if m == "" {
		return other
	}
	return m
}

// Path tells the hub which candidate pair an end uses, whenever that changes.
type Path struct {
	Kind  PathKind `json:"kind"`
	Means Means    `json:"means"`
	// Local and Remote are candidate types (RFC 8445 section 4): host, srflx, prflx or relay.
	Local    string  `json:"local"`
	Remote   string  `json:"remote"`
	Protocol string  `json:"protocol"`
	RTTMS    float64 `json:"rtt_ms,omitempty"`
	// AfterMS is how long after its open (a viewer) or its invite (a device) the end had the pair, in milliseconds.
	AfterMS int64 `json:"after_ms,omitempty"`
	// Pairs is how many candidate pairs the end has tried.
	Pairs int `json:"pairs,omitempty"`
}

// Extend asks for a longer lease of the session that the envelope names.
type Extend struct {
	Token string `json:"token,omitempty"`
}

// Close ends the session that the envelope names.
type Close struct {
	Reason Reason `json:"reason"`
}

// Closed says that the session has ended.
type Closed struct {
	Reason Reason `json:"reason"`
}

// Sync repairs the state of one session when its messages could not be replayed. One without a session says only
// that it was the last.
type Sync struct {
	Revision     int         `json:"revision"`
	Description  *Describe   `json:"description,omitempty"`
	Candidates   []Candidate `json:"candidates,omitempty"`
	Path         *Path       `json:"path,omitempty"`
	ICEConnected bool        `json:"ice_connected,omitempty"`
	// Owner is the viewer's proof; the hub never relays it.
	Owner string `json:"owner,omitempty"`
	// Answer marks a sync that answers another and must not be answered.
	Answer bool `json:"answer,omitempty"`
	Last   bool `json:"last,omitempty"`
}

// Reply says yes to a request; an error with re says no.
type Reply struct {
	// Expires answers extend.
	Expires time.Time `json:"expires,omitzero"`
}

func (m *Open) validate() error {
	if !m.Device.Valid() {
		return Errorf(CodeBadMessage, "open: bad device")
	}
	if m.Grant != "" && !m.Grant.Valid() {
		return Errorf(CodeBadMessage, "open: bad grant")
	}
	if !GrantID(m.Owner).Valid() {
		return Errorf(CodeBadMessage, "open: the owner is 32 lower-case hexadecimal digits")
	}
	if m.Offer != nil {
		return checkSize("offer", len(m.Offer.SDP), MaxSDPBytes)
	}
	return nil
}

func (m *Opened) validate() error { return checkServers(m.ICEServers) }

func (m *Invite) validate() error {
	if m.Offer != nil {
		if err := checkSize("offer", len(m.Offer.SDP), MaxSDPBytes); err != nil {
			return err
		}
	}
	return checkServers(m.ICEServers)
}

func (m *Describe) validate() error {
	switch m.Kind {
	case DescribeOffer, DescribeAnswer, DescribeRestart:
		if len(m.Origins) > MaxSyncCandidates {
			return Errorf(CodeTooLarge, "describe: %d origins are over the limit of %d", len(m.Origins), MaxSyncCandidates)
		}
		size := len(m.SDP)
		for _, o := range m.Origins {
			size += len(o.Address) + len(o.Means)
		}
		return checkSize("description", size, MaxSDPBytes)
	}
	return Errorf(CodeBadMessage, "describe: unknown kind %q", clip(string(m.Kind)))
}

func (m *Candidate) validate() error {
	return checkSize("candidate", len(m.Candidate)+len(m.Mid)+len(m.Ufrag)+len(m.Means), MaxCandidateBytes)
}

func (m *Path) validate() error {
	if m.Kind != PathDirect && m.Kind != PathRelay {
		return Errorf(CodeBadMessage, "path: the kind is direct or relay")
	}
	return checkSize("path", len(m.Means)+len(m.Local)+len(m.Remote)+len(m.Protocol), MaxNameBytes)
}

func (m *Extend) validate() error { return checkSize("token", len(m.Token), MaxTokenBytes) }

func (m *Close) validate() error { return checkReason(m.Reason) }

func (m *Closed) validate() error { return checkReason(m.Reason) }

func (m *Sync) validate() error {
	if m.Description != nil {
		if err := m.Description.validate(); err != nil {
			return err
		}
	}
	if len(m.Candidates) > MaxSyncCandidates {
		return Errorf(CodeTooLarge, "sync: %d candidates are over the limit of %d", len(m.Candidates), MaxSyncCandidates)
	}
	for i := range m.Candidates {
		if err := m.Candidates[i].validate(); err != nil {
			return err
		}
	}
	if m.Path != nil {
		return m.Path.validate()
	}
	return nil
}

func (m *Reply) validate() error { return nil }

func checkReason(r Reason) error {
	if !r.Valid() {
		return Errorf(CodeBadMessage, "unknown end reason %q", clip(string(r)))
	}
	return nil
}
