// Code generated from the API's document by `go test ./sdk/go/internal/typegen -update`. DO NOT EDIT.

package sightline

import (
	"encoding/json"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Anything is JSON whose form depends on something else.
type Anything = json.RawMessage

// AddPointsInput is AddPointsInputBody of the API.
type AddPointsInput struct {
	// What the ledger says about it
	Note string `json:"note,omitzero"`
	// How many to add, to a millionth; a negative number takes some back that are neither used nor reserved
	Points float64 `json:"points"`
	// A name of this grant, such as an invoice: with it, repeating the request changes nothing for ever
	Reference string `json:"reference,omitzero"`
}

// Agent is Agent of the API.
type Agent struct {
	Model   string `json:"model,omitzero"`
	Name    string `json:"name"`
	Version string `json:"version,omitzero"`
}

// Amount is Amount of the API.
type Amount struct {
	Bytes   uint64  `json:"bytes"`
	Minutes float64 `json:"minutes"`
	// At the price; absent without one
	Money float64 `json:"money,omitzero"`
}

// BearerOutput is BearerOutputBody of the API.
type BearerOutput struct {
	Created time.Time `json:"created"`
	ID      string    `json:"id"`
	// When it was last online, if it ever was
	LastSeen time.Time `json:"last_seen,omitzero"`
	Model    string    `json:"model"`
	Name     string    `json:"name"`
	Presence Presence  `json:"presence"`
	// The device is another project's, which shares it
	Shared *Shared `json:"shared,omitzero"`
	// The bearer token with which the camera connects as a KVS-format master. It is shown this once
	Token string `json:"token"`
}

// Budget is Budget of the API.
type Budget struct {
	// Absent: no bound
	Limit float64 `json:"limit,omitzero"`
	// For what allocations carry next; it comes back where they do not
	Reserved float64 `json:"reserved"`
	// Up to some 10 s ago
	Used float64 `json:"used"`
}

// Budgets is Budgets of the API.
type Budgets struct {
	// A budget is used up: sessions have the direct path only, relayed ones end with the reason quota
	Exhausted bool `json:"exhausted"`
	// 80 % of a budget are used: sessions go through the relay at a lower rate
	Low bool `json:"low"`
	// The month (UTC) that monthly budgets are of, YYYY-MM
	Period string `json:"period"`
	// What the relay is paid with; absent where the project does not pay with points
	Points *PointsBudget `json:"points,omitzero"`
	// What goes through the relay in a month, as payload of both directions
	RelayBytes Budget `json:"relay_bytes"`
	// How long sessions go through the relay in a month, all together
	RelayMinutes Budget         `json:"relay_minutes"`
	Sessions     SessionsBudget `json:"sessions"`
}

// Carried is Carried of the API.
type Carried struct {
	// RTP packets as the device sent them, or as the viewer got them where only it has told; up to some 10 s behind
	Bytes       uint64  `json:"bytes"`
	TimeSeconds float64 `json:"time_s"`
}

// ChangeBudgetsInput is ChangeBudgetsInputBody of the API.
type ChangeBudgetsInput struct {
	// Whether the relay is paid with points, and not there without them
	Prepaid *bool `json:"prepaid,omitzero"`
	// In a month; 0: no bound
	RelayBytes *int64 `json:"relay_bytes,omitzero"`
	// In a month; 0: no bound
	RelayMinutes *float64 `json:"relay_minutes,omitzero"`
	// At once; 0: no bound
	Sessions *int64 `json:"sessions,omitzero"`
}

// ChangeDeviceInput is ChangeDeviceInputBody of the API.
type ChangeDeviceInput struct {
	// What it is called; absent: as before
	Name *string `json:"name,omitzero"`
	// How its sessions may go from now on, all of it: what is absent in it is as the project says
	Policy *DevicePolicy `json:"policy,omitzero"`
}

// ChangeProjectInput is ChangeProjectInputBody of the API.
type ChangeProjectInput struct {
	// What may go through the relay for one end of a session in one direction, in kilobits a second; 0: the server's bound, if any
	MaxKbps *int64  `json:"max_kbps,omitzero"`
	Name    *string `json:"name,omitzero"`
	// How the project's sessions may go, all of it: what is absent in it is as the server says
	Path *PathPlan `json:"path,omitzero"`
}

// ChangeWebhookInput is ChangeWebhookInputBody of the API.
type ChangeWebhookInput struct {
	// false: nothing is sent until it is true again
	Enabled *bool     `json:"enabled,omitzero"`
	Kinds   *[]string `json:"kinds,omitzero"`
	Name    *string   `json:"name,omitzero"`
	URL     *string   `json:"url,omitzero"`
}

// Connection is Connection of the API.
type Connection struct {
	// Where it came from
	Address string `json:"address,omitzero"`
	// What the device said of its software
	Agent *Agent `json:"agent,omitzero"`
	// The device announced its end
	Bye bool `json:"bye,omitzero"`
	// Why it ended: bye, lost, silent, too_slow, replaced, superseded, revoked, going_away, protocol, internal or hub_lost; there may be more one day
	Cause string `json:"cause,omitzero"`
	// Absent while it is open
	Closed time.Time `json:"closed,omitzero"`
	// The cause in words
	Detail string `json:"detail,omitzero"`
	// Why it was no WebSocket, as the device said
	Fallback *Fallback `json:"fallback,omitzero"`
	// Counts the device's links
	Generation uint64 `json:"generation"`
	// The link that it carried, as the server's log names it; a link that is resumed has several connections
	Link   string    `json:"link"`
	Opened time.Time `json:"opened"`
	// websocket or long_poll
	Transport string `json:"transport"`
}

// ConnectionsOutput is ConnectionsOutputBody of the API.
type ConnectionsOutput struct {
	Connections []Connection `json:"connections"`
}

// CreateDeviceInput is CreateDeviceInputBody of the API.
type CreateDeviceInput struct {
	Model string `json:"model,omitzero"`
	// What people call it
	Name string `json:"name,omitzero"`
}

// CreateEnrolmentInput is CreateEnrolmentInputBody of the API.
type CreateEnrolmentInput struct {
	// How many devices may join with the code
	Count *int64 `json:"count,omitzero"`
	// The models that may join, as the devices name them; absent: any
	Models []string `json:"models,omitzero"`
	// The name that the device gets; without it, the one it brings. In a batch, that of devices that bring none
	Name string `json:"name,omitzero"`
	// How long the code is good
	TTLSeconds *int64 `json:"ttl_s,omitzero"`
}

// CreateEnrolmentOutput is CreateEnrolmentOutputBody of the API.
type CreateEnrolmentOutput struct {
	// The code. It is shown this once
	Code string `json:"code"`
	// How many devices the code is for
	Count   int64     `json:"count"`
	Created time.Time `json:"created"`
	// Who used the code last
	Device  protocol.DeviceID `json:"device,omitzero"`
	Expires time.Time         `json:"expires"`
	ID      string            `json:"id"`
	// How many have joined with it
	Made int64 `json:"made"`
	// The models that may join; absent: any
	Models []string `json:"models,omitzero"`
	// The name that the device gets; in a batch, that of devices that bring none, with their number behind it
	Name string `json:"name"`
	// When
	Used time.Time `json:"used,omitzero"`
}

// CreateGrantInput is CreateGrantInputBody of the API.
type CreateGrantInput struct {
	// A device of your project
	Device protocol.DeviceID `json:"device"`
	// When it ends by itself; absent: never
	Expires time.Time `json:"expires,omitzero"`
	// Whose relay budget and terms hold for its sessions
	Pays string `json:"pays,omitzero"`
	// The project that may look
	Project protocol.ProjectID `json:"project"`
	// What its viewers may do at most; view is among it
	Rights []protocol.Right `json:"rights,omitzero"`
}

// CreateKeyOutput is CreateKeyOutputBody of the API.
type CreateKeyOutput struct {
	Created time.Time `json:"created"`
	// When it ends by itself; the tokens that it has made live on to their own end
	Expires time.Time `json:"expires,omitzero"`
	ID      string    `json:"id"`
	// The key. It is shown this once
	Key string `json:"key"`
	// When it was used last, up to 10 minutes ago
	LastUsed time.Time `json:"last_used,omitzero"`
	Name     string    `json:"name"`
	Revoked  time.Time `json:"revoked,omitzero"`
	// What it may do; none is everything of its project
	Scopes []string `json:"scopes"`
	// The key that took its place in a rotation
	Successor string `json:"successor,omitzero"`
}

// CreateProjectInput is CreateProjectInputBody of the API.
type CreateProjectInput struct {
	// What it is called for programs; it stays
	ID string `json:"id"`
	// What people call it, if not by its id
	Name string `json:"name,omitzero"`
}

// CreateSigningKeyInput is CreateSigningKeyInputBody of the API.
type CreateSigningKeyInput struct {
	// What the key is for
	Name string `json:"name,omitzero"`
	// An Ed25519 public key: its 32 bytes in base64, PEM, or a JWK as text
	PublicKey string `json:"public_key"`
}

// CreateTokenInput is CreateTokenInputBody of the API.
type CreateTokenInput struct {
	// The device that may be looked at
	Device protocol.DeviceID `json:"device"`
	// What the viewer may do
	Grants []protocol.Right `json:"grants,omitzero"`
	// What may go through the relay for one end of a session in one direction, in kilobits a second; the project's bound holds too. Absent or 0: no bound
	MaxKbps *int64 `json:"max_kbps,omitzero"`
	// How many seconds a session may go through the relay; the project's bound holds too. Absent or 0: no bound
	MaxRelaySeconds *int64 `json:"max_relay_s,omitzero"`
	// How sessions with this token may go, unless the project allows one path only; absent: as the project says
	Path string `json:"path,omitzero"`
	// How long a viewer tries without the relay first, 0: not at all; absent: as the project says
	RelayDelayMS *int64 `json:"relay_delay_ms,omitzero"`
	// false: the camera's smaller rendition over the relay, if it has one, also where the project allows the best. Absent or true: as the project says
	RelayHD *bool `json:"relay_hd,omitzero"`
	// Who looks, in your words
	Subject string `json:"subject,omitzero"`
	// How long the token is good
	TTLSeconds *int64 `json:"ttl_s,omitzero"`
}

// CreateTokenOutput is CreateTokenOutputBody of the API.
type CreateTokenOutput struct {
	Device  protocol.DeviceID `json:"device"`
	Expires time.Time         `json:"expires"`
	Grants  []protocol.Right  `json:"grants"`
	Token   string            `json:"token"`
}

// CreateWebhookInput is CreateWebhookInputBody of the API.
type CreateWebhookInput struct {
	// What is sent; none: every kind
	Kinds []string `json:"kinds,omitzero"`
	// What the endpoint is for
	Name string `json:"name,omitzero"`
	// An https URL of a public address, on port 443 or one from 1024 on
	URL string `json:"url"`
}

// Delivery is Delivery of the API.
type Delivery struct {
	At time.Time `json:"at"`
	// Counts those of the event from 1
	Attempt int64             `json:"attempt"`
	Device  protocol.DeviceID `json:"device,omitzero"`
	// Why it failed; absent: it succeeded
	Error string `json:"error,omitzero"`
	// The event's identifier, and the webhook-id of the request
	EventID string `json:"event_id"`
	Kind    string `json:"kind"`
	// The beginning of the answer's body
	Response string `json:"response,omitzero"`
	Seq      uint64 `json:"seq"`
	// What the endpoint answered; absent: nothing
	Status int64 `json:"status,omitzero"`
	TookMS int64 `json:"took_ms"`
}

// Device is Device of the API.
type Device struct {
	Created time.Time         `json:"created"`
	ID      protocol.DeviceID `json:"id"`
	// When it was last online, if it ever was
	LastSeen time.Time `json:"last_seen,omitzero"`
	Model    string    `json:"model"`
	Name     string    `json:"name"`
	Presence Presence  `json:"presence"`
	// The device is another project's, which shares it
	Shared *Shared `json:"shared,omitzero"`
}

// DeviceDetails is DeviceDetails of the API.
type DeviceDetails struct {
	Created time.Time         `json:"created"`
	ID      protocol.DeviceID `json:"id"`
	// When it was last online, if it ever was
	LastSeen time.Time `json:"last_seen,omitzero"`
	Model    string    `json:"model"`
	Name     string    `json:"name"`
	// The network that it is in, as it last told
	Network *Network `json:"network,omitzero"`
	// How its sessions may go; absent: as the project says
	Policy   *DevicePolicy `json:"policy,omitzero"`
	Presence Presence      `json:"presence"`
	// The device is another project's, which shares it
	Shared *Shared `json:"shared,omitzero"`
}

// DevicePolicy is DevicePolicy of the API.
type DevicePolicy struct {
	// What may go through the relay for one end of a session in one direction, in kilobits a second; bounds of project and token hold too. Absent or 0: no bound
	MaxKbps uint64 `json:"max_kbps,omitzero"`
	// How many seconds a session may go through the relay; bounds of project and token hold too. Absent or 0: no bound
	MaxRelaySeconds uint64 `json:"max_relay_s,omitzero"`
	// Which paths sessions may take, unless the project allows one only. direct_only and relay_only bind every token; absent: as the project says
	Path string `json:"path,omitzero"`
	// How long viewers try without the relay first where their token does not say it, 0: not at all; absent: as the project says
	RelayDelayMS uint64 `json:"relay_delay_ms,omitzero"`
	// false: its smaller rendition over the relay, if it has one, also where the project allows the best
	RelayHD bool `json:"relay_hd,omitzero"`
}

// End is End of the API.
type End struct {
	// The network that it is in
	Network *Network `json:"network,omitzero"`
	Path    *Path    `json:"path,omitzero"`
	// How the media went, as the end counts and measures it; nobody checks that it is so. Up to some 10 s behind
	Quality *Quality `json:"quality,omitzero"`
}

// Ends is Ends of the API.
type Ends struct {
	Device End `json:"device"`
	Viewer End `json:"viewer"`
}

// EnrolledDevice is EnrolledDevice of the API.
type EnrolledDevice struct {
	Created time.Time `json:"created"`
	Deleted time.Time `json:"deleted,omitzero"`
	ID      string    `json:"id"`
	Model   string    `json:"model"`
	Name    string    `json:"name"`
}

// Enrolment is Enrolment of the API.
type Enrolment struct {
	// How many devices the code is for
	Count   int64     `json:"count"`
	Created time.Time `json:"created"`
	// Who used the code last
	Device  protocol.DeviceID `json:"device,omitzero"`
	Expires time.Time         `json:"expires"`
	ID      string            `json:"id"`
	// How many have joined with it
	Made int64 `json:"made"`
	// The models that may join; absent: any
	Models []string `json:"models,omitzero"`
	// The name that the device gets; in a batch, that of devices that bring none, with their number behind it
	Name string `json:"name"`
	// When
	Used time.Time `json:"used,omitzero"`
}

// Entry is Entry of the API.
type Entry struct {
	// Points that the use cost and that nobody pays, because there were none left
	Absorbed float64 `json:"absorbed,omitzero"`
	// The relay's allocation; absent for the time of a session
	Allocation string `json:"allocation,omitzero"`
	// Points that it adds to the balance, or takes
	Amount float64   `json:"amount"`
	At     time.Time `json:"at"`
	// The sum of all amounts up to it
	Balance float64 `json:"balance"`
	// What went through the relay
	Bytes uint64 `json:"bytes,omitzero"`
	Kind  string `json:"kind"`
	// How long
	Minutes float64 `json:"minutes,omitzero"`
	Note    string  `json:"note,omitzero"`
	// As it was given; of a refund: what it refunds
	Reference string `json:"reference,omitzero"`
	// Points that it adds to what is reserved, or takes
	Reserved float64 `json:"reserved"`
	// Counts the project's entries from 1, without a gap
	Seq     uint64             `json:"seq"`
	Session protocol.SessionID `json:"session,omitzero"`
}

// Fallback is Fallback of the API.
type Fallback struct {
	// What it saw, in words
	Detail string `json:"detail,omitzero"`
	// status, refused, silent, intercepted, captive_portal, unreachable, cut or unknown; there may be more one day
	Reason string `json:"reason"`
}

// Grant is Grant of the API.
type Grant struct {
	Created time.Time         `json:"created"`
	Device  protocol.DeviceID `json:"device"`
	// When one side ended it
	Ended time.Time `json:"ended,omitzero"`
	// Which
	EndedBy string `json:"ended_by,omitzero"`
	// When it ends by itself; absent: never
	Expires time.Time `json:"expires,omitzero"`
	ID      string    `json:"id"`
	// The device's project
	Owner protocol.ProjectID `json:"owner"`
	// Whose relay budget and terms hold for its sessions
	Pays string `json:"pays"`
	// The project that may look
	Project protocol.ProjectID `json:"project"`
	// What its viewers may do at most
	Rights []protocol.Right `json:"rights"`
}

// ICEServer is ICEServer of the API.
type ICEServer struct {
	Credential string   `json:"credential,omitzero"`
	Urls       []string `json:"urls"`
	Username   string   `json:"username,omitzero"`
}

// Key is Key of the API.
type Key struct {
	Created time.Time `json:"created"`
	// When it ends by itself; the tokens that it has made live on to their own end
	Expires time.Time `json:"expires,omitzero"`
	ID      string    `json:"id"`
	// When it was used last, up to 10 minutes ago
	LastUsed time.Time `json:"last_used,omitzero"`
	Name     string    `json:"name"`
	Revoked  time.Time `json:"revoked,omitzero"`
	// What it may do; none is everything of its project
	Scopes []string `json:"scopes"`
	// The key that took its place in a rotation
	Successor string `json:"successor,omitzero"`
}

// KeyInput is KeyInputBody of the API.
type KeyInput struct {
	// When it ends by itself; absent: never. A key that expires makes none that outlives it
	Expires time.Time `json:"expires,omitzero"`
	// What the key is for
	Name string `json:"name,omitzero"`
	// What it may do: RESOURCE:read or RESOURCE:write, no more than the key that asks may. None is everything of the project
	Scopes []string `json:"scopes,omitzero"`
}

// ListedProject is ListedProject of the API.
type ListedProject struct {
	Created time.Time          `json:"created"`
	ID      protocol.ProjectID `json:"id"`
	Name    string             `json:"name"`
}

// MeansUsage is MeansUsage of the API.
type MeansUsage struct {
	// Media as the ends count it
	Bytes uint64 `json:"bytes"`
	// ice, predicted, mapped, ipv6, tcp, relay or other; there may be more one day
	Means    protocol.Means `json:"means"`
	Minutes  float64        `json:"minutes"`
	Sessions int64          `json:"sessions"`
}

// Media is Media of the API.
type Media struct {
	Audio bool `json:"audio,omitzero"`
	Talk  bool `json:"talk,omitzero"`
	Video bool `json:"video"`
}

// Milestones is Milestones of the API.
type Milestones struct {
	// It answered
	AnswerMS float64 `json:"answer_ms,omitzero"`
	// The path was encrypted
	DTLSMS float64 `json:"dtls_ms,omitzero"`
	// There was a path
	ICEMS float64 `json:"ice_ms,omitzero"`
	// The first keyframe was sent
	KeyframeMS float64 `json:"keyframe_ms,omitzero"`
	// The device had the viewer's offer
	OfferMS float64 `json:"offer_ms,omitzero"`
}

// Network is Network of the API.
type Network struct {
	// What would let more viewers reach the device directly
	Advice    []string `json:"advice,omitzero"`
	DoubleNAT bool     `json:"double_nat,omitzero"`
	Filtering string   `json:"filtering,omitzero"`
	Hairpin   bool     `json:"hairpin,omitzero"`
	IPv6      bool     `json:"ipv6,omitzero"`
	// open, firewall, full_cone, address_restricted, port_restricted, symmetric_sequential, symmetric, udp_blocked or unknown; there may be more one day
	Kind          string `json:"kind"`
	Mapping       string `json:"mapping,omitzero"`
	MappingFault  string `json:"mapping_fault,omitzero"`
	PortMapping   string `json:"port_mapping,omitzero"`
	PortPreserved bool   `json:"port_preserved,omitzero"`
	PortStep      int64  `json:"port_step,omitzero"`
	Public        bool   `json:"public,omitzero"`
	TCP           bool   `json:"tcp,omitzero"`
	// The kind in words
	Text string `json:"text"`
	// Since when it is like that, as far as the device has told
	Told       time.Time `json:"told,omitzero"`
	UDPBlocked bool      `json:"udp_blocked,omitzero"`
}

// OpenSessionInput is OpenSessionInputBody of the API.
type OpenSessionInput struct {
	// The device to look at
	Device protocol.DeviceID `json:"device"`
	// What the viewer may do
	Grants []protocol.Right `json:"grants,omitzero"`
	// A session description (RFC 8866) with all candidates: one bundle, rtcp-mux, something to receive
	Offer string `json:"offer"`
	// Who looks, in your words
	Subject string `json:"subject,omitzero"`
	// How long the answer and its candidates may take
	TimeoutMS *int64 `json:"timeout_ms,omitzero"`
	// How long the session may live
	TTLSeconds *int64 `json:"ttl_s,omitzero"`
}

// OpenSessionOutput is OpenSessionOutputBody of the API.
type OpenSessionOutput struct {
	// The device's session description with all of its candidates
	Answer string `json:"answer"`
	// The resource's ICE session, for If-Match
	ETag    string    `json:"etag"`
	Expires time.Time `json:"expires"`
	// STUN and TURN servers for the viewer, with credentials of this session
	ICEServers []ICEServer `json:"ice_servers"`
	// The path at which a WHEP player may trickle, restart ICE and end the session, without any key: it is a secret
	Resource string             `json:"resource"`
	Session  protocol.SessionID `json:"session"`
}

// Path is Path of the API.
type Path struct {
	// How long after its open (a viewer) or its invite (a device) the end had the path
	AfterMS int64             `json:"after_ms,omitzero"`
	Kind    protocol.PathKind `json:"kind"`
	// The type of the end's own candidate: host, srflx, prflx or relay. Of a session's path that is the viewer's, or the device's where only that has told
	Local string `json:"local"`
	// What made the path: ice, predicted, mapped, ipv6, tcp, relay or other; there may be more one day
	Means protocol.Means `json:"means"`
	// How many candidate pairs the end has tried
	Pairs int64 `json:"pairs,omitzero"`
	// udp or tcp
	Protocol string `json:"protocol"`
	// The type of the other end's candidate
	Remote string  `json:"remote"`
	RTTMS  float64 `json:"rtt_ms,omitzero"`
}

// PathChange is PathChange of the API.
type PathChange struct {
	At time.Time `json:"at"`
	By string    `json:"by"`
	// How the media went from then on, as both ends see it together: direct or relay; absent while the other end had yet to tell
	Kind  string         `json:"kind,omitzero"`
	Means protocol.Means `json:"means,omitzero"`
	// As that end sees it
	Path Path `json:"path"`
}

// PathPlan is PathPlan of the API.
type PathPlan struct {
	// How many seconds a session may go through the relay; absent: the server's bound, if any
	MaxRelaySeconds int64 `json:"max_relay_s,omitzero"`
	// Which paths sessions may take. direct_only and relay_only bind every token, prefer_direct leaves it to tokens; absent: as the server says
	Policy string `json:"policy,omitzero"`
	// How long viewers try without the relay first, 0: not at all; absent: as the server says
	RelayDelayMS int64 `json:"relay_delay_ms,omitzero"`
	// Whether a camera's best rendition may go over the relay, where it has a smaller one; absent: as the server says
	RelayHD bool `json:"relay_hd,omitzero"`
}

// PathUsage is PathUsage of the API.
type PathUsage struct {
	Day    string            `json:"day,omitzero"`
	Device protocol.DeviceID `json:"device,omitzero"`
	// Direct sessions of all that had a path, 0 to 1; absent if there were none
	DirectRate float64      `json:"direct_rate,omitzero"`
	Means      []MeansUsage `json:"means"`
	// What went through the relay: time by the ends, bytes by the relay's own count of both directions, for whatever it was used
	Relayed  Amount        `json:"relayed"`
	Saved    Savings       `json:"saved"`
	Sessions SessionCounts `json:"sessions"`
}

// PointsBudget is PointsBudget of the API.
type PointsBudget struct {
	Balance float64 `json:"balance"`
	// The balance after the last points were added; low is a fifth of it
	Filled float64 `json:"filled"`
	// The part of the balance that is held for what sessions use next; it comes back where they do not
	Reserved float64 `json:"reserved"`
}

// Presence is Presence of the API.
type Presence struct {
	// Where its connection comes from now
	Address string `json:"address,omitzero"`
	// What it says of its software
	Agent *Agent `json:"agent,omitzero"`
	// Why that is no WebSocket, as the device says
	Fallback *Fallback `json:"fallback,omitzero"`
	// Counts the device's links
	Generation uint64 `json:"generation"`
	// When it got this status, as far as is known
	Since time.Time `json:"since,omitzero"`
	// A suspect device lost its link moments ago
	Status protocol.Status `json:"status"`
	// What carries its link now: websocket or long_poll
	Transport string `json:"transport,omitzero"`
}

// Price is Price of the API.
type Price struct {
	Currency string  `json:"currency"`
	PerGB    float64 `json:"per_gb"`
}

// Project is Project of the API.
type Project struct {
	ID   protocol.ProjectID `json:"id"`
	Name string             `json:"name"`
	// How the project's sessions may go
	Path PathPlan `json:"path"`
	// What the project may use of the relay, and has used this month (UTC)
	Relay RelayPlan `json:"relay"`
}

// Quality is Quality of the API.
type Quality struct {
	BitrateKbps float64 `json:"bitrate_kbps,omitzero"`
	// Seconds on the direct path, as the device counts them
	DirectSeconds float64 `json:"direct_s,omitzero"`
	// Pictures that the device left out because the viewer was too slow
	Dropped uint64 `json:"dropped,omitzero"`
	// What the path carries at the least, as the device estimates it
	EstimateKbps float64 `json:"estimate_kbps,omitzero"`
	FPS          float64 `json:"fps,omitzero"`
	Frames       uint64  `json:"frames"`
	JitterMS     float64 `json:"jitter_ms,omitzero"`
	// Keyframes that the viewer asked the device for
	KeyframeRequests uint64 `json:"keyframe_requests,omitzero"`
	// It was told at the session's end: nothing follows
	Last bool   `json:"last,omitzero"`
	Lost uint64 `json:"lost"`
	// When the device got that far, in milliseconds from its invite
	Milestones *Milestones `json:"milestones,omitzero"`
	Packets    uint64      `json:"packets"`
	// Seconds on the relay, as the device counts them
	RelaySeconds float64 `json:"relay_s,omitzero"`
	// What the device sent last: main or sub; there may be more one day
	Rendition string `json:"rendition,omitzero"`
	// Packets that the device sent again
	Retransmitted uint64  `json:"retransmitted,omitzero"`
	RTTMS         float64 `json:"rtt_ms,omitzero"`
	// When the end told it
	Told time.Time `json:"told"`
}

// RelayPlan is RelayPlan of the API.
type RelayPlan struct {
	// What may go through the relay in a month, as payload of both directions; absent: no bound
	BudgetBytes uint64 `json:"budget_bytes,omitzero"`
	// The budget is used up: sessions have the direct path only, relayed ones end with the reason quota
	Exhausted bool `json:"exhausted"`
	// What may go through the relay for one end of a session in one direction, in kilobits a second; absent: the server's bound, if any
	MaxKbps int64 `json:"max_kbps,omitzero"`
	// What went through the relay this month, up to some 10 s ago
	UsedBytes uint64 `json:"used_bytes"`
}

// RelayReason is RelayReason of the API.
type RelayReason struct {
	// policy, device_udp_blocked, viewer_udp_blocked, both_symmetric, symmetric_and_port_filter, not_yet, no_path_found or networks_unknown; there may be more one day
	Code string `json:"code"`
	// The reason in words
	Text string `json:"text"`
}

// ReplayInput is ReplayInputBody of the API.
type ReplayInput struct {
	// Only dead letters: all, or those from and to say
	Dead *bool `json:"dead,omitzero"`
	// The event_id of one event
	Event string `json:"event,omitzero"`
	// The seq of the first event
	From *int64 `json:"from,omitzero"`
	// The seq of the last event; absent: the newest that was sent
	To *int64 `json:"to,omitzero"`
}

// RotateKeyInput is RotateKeyInputBody of the API.
type RotateKeyInput struct {
	// How long the old key lives beside the new one
	OverlapSeconds int64 `json:"overlap_s"`
}

// Savings is Savings of the API.
type Savings struct {
	// All that went directly
	AgainstAllRelayed Amount `json:"against_all_relayed"`
	// What went directly and would not have with plain ICE: by a mapped or predicted port, over TCP, or after an upgrade from the relay
	AgainstPlainICE Amount `json:"against_plain_ice"`
}

// SecretOutput is SecretOutputBody of the API.
type SecretOutput struct {
	Created time.Time `json:"created"`
	// The number of the newest event that was sent, or tried, or is a dead letter
	Cursor  uint64 `json:"cursor"`
	Enabled bool   `json:"enabled"`
	// Since when no delivery succeeds; absent while they do
	FailingSince time.Time `json:"failing_since,omitzero"`
	ID           string    `json:"id"`
	// What is sent; empty: every kind
	Kinds []string `json:"kinds"`
	// Events of all kinds that were too old, or too many, to be kept until they could be sent
	Missed uint64 `json:"missed,omitzero"`
	Name   string `json:"name"`
	// Until when deliveries are signed with the secret before as well
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
	// Verifies the v1a signatures (Ed25519), whpk_…
	PublicKey string `json:"public_key"`
	// Verifies the v1 signatures (HMAC-SHA256), whsec_…. It is shown this once
	Secret string `json:"secret"`
	// Since when the state is what it is
	Since time.Time `json:"since"`
	// paused: by the project; gone: the endpoint answered 410. Either keeps its place, and is sent what it missed when it is enabled again
	State protocol.SessionState `json:"state"`
	URL   string                `json:"url"`
}

// Session is Session of the API.
type Session struct {
	Answered time.Time         `json:"answered,omitzero"`
	Created  time.Time         `json:"created"`
	Device   protocol.DeviceID `json:"device,omitzero"`
	// What the viewer came by: websocket, long_poll, whep, kvs or rest
	Door    string             `json:"door,omitzero"`
	Ended   time.Time          `json:"ended,omitzero"`
	Expires time.Time          `json:"expires"`
	Grants  []protocol.Right   `json:"grants"`
	ID      protocol.SessionID `json:"id"`
	// The key that made or signed the viewer's token
	Key string `json:"key,omitzero"`
	// A test session belongs to a measuring tool and has no device
	Kind  string `json:"kind"`
	Media Media  `json:"media"`
	// The device's project, where that is another
	Owner protocol.ProjectID `json:"owner,omitzero"`
	// How the media goes, once that is known, as both ends see it together
	Path *Path `json:"path,omitzero"`
	// The viewer's project. Another than yours looks at a device that you share
	Project protocol.ProjectID `json:"project"`
	// Why it ended
	Reason protocol.Reason `json:"reason,omitzero"`
	// What went through the relay, as payload
	Relayed Traffic               `json:"relayed"`
	State   protocol.SessionState `json:"state"`
	// The subject of the viewer's token
	Viewer string `json:"viewer,omitzero"`
}

// SessionCounts is SessionCounts of the API.
type SessionCounts struct {
	Direct int64 `json:"direct"`
	// Ended without ever having had a path, for whatever reason
	None  int64 `json:"none"`
	Relay int64 `json:"relay"`
}

// SessionDetails is SessionDetails of the API.
type SessionDetails struct {
	Answered time.Time         `json:"answered,omitzero"`
	Created  time.Time         `json:"created"`
	Device   protocol.DeviceID `json:"device,omitzero"`
	// What went directly, as the ends count it
	Direct Carried `json:"direct"`
	// How long after the open there was a direct path; absent if there was none
	DirectPathMS int64 `json:"direct_path_ms,omitzero"`
	// What the viewer came by: websocket, long_poll, whep, kvs or rest
	Door    string    `json:"door,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	Ends    Ends      `json:"ends"`
	Expires time.Time `json:"expires"`
	// How long after the open there was a path
	FirstPathMS int64              `json:"first_path_ms,omitzero"`
	Grants      []protocol.Right   `json:"grants"`
	ID          protocol.SessionID `json:"id"`
	// The key that made or signed the viewer's token
	Key string `json:"key,omitzero"`
	// A test session belongs to a measuring tool and has no device
	Kind  string `json:"kind"`
	Media Media  `json:"media"`
	// The device's project, where that is another
	Owner protocol.ProjectID `json:"owner,omitzero"`
	// How the media goes, once that is known, as both ends see it together
	Path *Path `json:"path,omitzero"`
	// What the ends told, the oldest first
	Paths []PathChange `json:"paths"`
	// How many are left out of the middle of paths
	PathsOmitted int64 `json:"paths_omitted,omitzero"`
	// How it may go: direct_only, prefer_direct or relay_only
	Policy string `json:"policy,omitzero"`
	// The viewer's project. Another than yours looks at a device that you share
	Project protocol.ProjectID `json:"project"`
	// Why it ended
	Reason protocol.Reason `json:"reason,omitzero"`
	// What went through the relay, as the ends count it; the relay's own count is relayed
	Relay Carried `json:"relay"`
	// Why it goes through the relay; absent while it does not
	RelayReason *RelayReason `json:"relay_reason,omitzero"`
	// What went through the relay, as payload
	Relayed Traffic               `json:"relayed"`
	State   protocol.SessionState `json:"state"`
	// It began on the relay and left it when plain ICE would have stayed
	Upgraded bool `json:"upgraded,omitzero"`
	// The subject of the viewer's token
	Viewer string `json:"viewer,omitzero"`
}

// SessionsBudget is SessionsBudget of the API.
type SessionsBudget struct {
	// Absent: no bound
	Limit int64 `json:"limit,omitzero"`
}

// Shared is Shared of the API.
type Shared struct {
	// When the grant ends by itself; absent: never
	Expires time.Time `json:"expires,omitzero"`
	Grant   string    `json:"grant"`
	// The device's project
	Owner protocol.ProjectID `json:"owner"`
	// What your viewers may do at most
	Rights []protocol.Right `json:"rights"`
}

// SigningKey is SigningKey of the API.
type SigningKey struct {
	Created time.Time `json:"created"`
	// The kid of the tokens that it signs
	ID   string `json:"id"`
	Name string `json:"name"`
	// Its 32 bytes in base64
	PublicKey string    `json:"public_key"`
	Revoked   time.Time `json:"revoked,omitzero"`
}

// Traffic is Traffic of the API.
type Traffic struct {
	DownBytes   uint64 `json:"down_bytes"`
	DownPackets uint64 `json:"down_packets"`
	UpBytes     uint64 `json:"up_bytes"`
	UpPackets   uint64 `json:"up_packets"`
}

// UsageOutput is UsageOutputBody of the API.
type UsageOutput struct {
	From string `json:"from"`
	// Of devices there may be more
	NextCursor string `json:"next_cursor,omitzero"`
	// What money is reckoned with; absent where the server has none
	Price *Price      `json:"price,omitzero"`
	To    string      `json:"to"`
	Usage []PathUsage `json:"usage"`
}

// Webhook is Webhook of the API.
type Webhook struct {
	Created time.Time `json:"created"`
	// The number of the newest event that was sent, or tried, or is a dead letter
	Cursor  uint64 `json:"cursor"`
	Enabled bool   `json:"enabled"`
	// Since when no delivery succeeds; absent while they do
	FailingSince time.Time `json:"failing_since,omitzero"`
	ID           string    `json:"id"`
	// What is sent; empty: every kind
	Kinds []string `json:"kinds"`
	// Events of all kinds that were too old, or too many, to be kept until they could be sent
	Missed uint64 `json:"missed,omitzero"`
	Name   string `json:"name"`
	// Until when deliveries are signed with the secret before as well
	OldSecretUntil time.Time `json:"old_secret_until,omitzero"`
	// Verifies the v1a signatures (Ed25519), whpk_…
	PublicKey string `json:"public_key"`
	// Since when the state is what it is
	Since time.Time `json:"since"`
	// paused: by the project; gone: the endpoint answered 410. Either keeps its place, and is sent what it missed when it is enabled again
	State string `json:"state"`
	URL   string `json:"url"`
}
