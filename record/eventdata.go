package record

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// The data of events. Members are added to them, never renamed, and never change their meaning: who reads one passes over
// those that it does not know. They say nothing of a network's addresses, and hold no secret.

// PresenceEvent is the data of EventDeviceOnline, EventDeviceSuspect and EventDeviceOffline.
type PresenceEvent struct {
	// Generation counts the device's links. It never shrinks from one event of a device to the next.
	Generation uint64 `json:"generation"`
	// Since is from when on the device is online, or when it was last seen.
	Since time.Time `json:"since"`
	// Transport is the door by which it is online; empty otherwise.
	Transport protocol.Transport `json:"transport,omitempty"`
	// Cause is why its last connection ended; empty while it is online.
	Cause Cause `json:"cause,omitempty"`
}

// EnrolledEvent is the data of EventDeviceEnrolled.
type EnrolledEvent struct {
	// Enrolment is the code's; empty for a device that was made without one, as those without an agent are.
	Enrolment string `json:"enrolment,omitempty"`
	Name      string `json:"name"`
	Model     string `json:"model,omitempty"`
	// Again says that the project had the device before.
	Again bool `json:"again,omitempty"`
}

// DeletedEvent is the data of EventDeviceDeleted, after which nothing is told of the device's presence.
type DeletedEvent struct {
	Name string `json:"name"`
}

// AlertKind is what a person should look at.
type AlertKind string

// The alerts.
const (
	// AlertDuplicateKey is that two boxes have the key of one device and push each other out.
	AlertDuplicateKey AlertKind = "duplicate_key"
)

// AlertEvent is the data of EventDeviceAlert.
type AlertEvent struct {
	Alert AlertKind `json:"alert"`
}

// OpenedEvent is the data of EventSessionOpened.
type OpenedEvent struct {
	Kind SessionKind `json:"kind"`
	// Viewer is the subject of the viewer's token, Key what the token was made with.
	Viewer  string           `json:"viewer,omitempty"`
	Key     protocol.KeyID   `json:"key,omitempty"`
	Rights  []protocol.Right `json:"rights"`
	Expires time.Time        `json:"expires"`
}

// LiveEvent is the data of EventSessionLive, which tells that a session's media has found its first path.
type LiveEvent struct {
	Path  protocol.PathKind `json:"path"`
	Means protocol.Means    `json:"means"`
	// AfterMS is how long the viewer waited for it.
	AfterMS int64 `json:"after_ms"`
}

// PathEvent is the data of EventSessionPath, which tells that a session's media goes another way than before.
type PathEvent struct {
	// Number counts the session's paths from 1.
	Number int               `json:"number"`
	Path   protocol.PathKind `json:"path"`
	Means  protocol.Means    `json:"means"`
	// By is the end whose word changed it; the rest is as that end sees it.
	By       protocol.Role `json:"by"`
	Local    string        `json:"local"`
	Remote   string        `json:"remote"`
	Protocol string        `json:"protocol"`
	AfterMS  int64         `json:"after_ms"`
	// RelayReason is why it is a relay, as of package nat; empty for a direct path.
	RelayReason string `json:"relay_reason,omitempty"`
}

// EndedEvent is the data of EventSessionEnded.
type EndedEvent struct {
	Kind   SessionKind     `json:"kind"`
	Viewer string          `json:"viewer,omitempty"`
	Key    protocol.KeyID  `json:"key,omitempty"`
	Reason protocol.Reason `json:"reason"`
	// DurationMS is from its opening to its end.
	DurationMS int64 `json:"duration_ms"`
	// Direct and Relay are what the ends had counted on each kind of path, RelayedBytes what the relay had. The last
	// seconds of both are counted later: the books have them, and the next EventUsageReport.
	Direct       PathTotal `json:"direct"`
	Relay        PathTotal `json:"relay"`
	RelayedBytes uint64    `json:"relayed_bytes"`
}

// PathTotal is media that went by one kind of path.
type PathTotal struct {
	TimeMS int64  `json:"time_ms"`
	Bytes  uint64 `json:"bytes"`
}

// UsageEvent is the data of EventUsageReport: what came into a project's books between two moments. The reports of a
// project add up to its books.
type UsageEvent struct {
	From  time.Time `json:"from"`
	Until time.Time `json:"until"`
	// Sessions are those that got their first path, or ended without any.
	Sessions int64 `json:"sessions"`
	// Direct and Relay are what the ends have counted, RelayedBytes what the relay has.
	Direct       PathTotal `json:"direct"`
	Relay        PathTotal `json:"relay"`
	RelayedBytes uint64    `json:"relayed_bytes"`
}

// KeyType tells the keys that viewers' tokens come from.
type KeyType string

// The types of keys.
const (
	KeyAPI     KeyType = "api"     // asks for tokens
	KeySigning KeyType = "signing" // signs them
)

// KeyEvent is the data of EventKeyRevoked.
type KeyEvent struct {
	Key  protocol.KeyID `json:"key"`
	Type KeyType        `json:"type"`
	Name string         `json:"name"`
}
