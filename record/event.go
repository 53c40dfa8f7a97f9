package record

import (
	"encoding/json"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// EventKind names what an event tells of. The list is closed.
type EventKind string

// The kinds of events. docs/api.md says what the data of each is.
const (
	EventDeviceOnline    EventKind = "device.online"
	EventDeviceSuspect   EventKind = "device.suspect"
	EventDeviceOffline   EventKind = "device.offline"
	EventDeviceEnrolled  EventKind = "device.enrolled"
	EventDeviceDeleted   EventKind = "device.deleted"
	EventDeviceAlert     EventKind = "device.alert"
	EventSessionOpened   EventKind = "session.opened"
	EventSessionLive     EventKind = "session.live"
	EventSessionPath     EventKind = "session.path"
	EventSessionEnded    EventKind = "session.ended"
	EventUsageReport     EventKind = "usage.report"
	EventBudgetWarning   EventKind = "budget.warning"
	EventBudgetExhausted EventKind = "budget.exhausted"
	EventKeyRevoked      EventKind = "key.revoked"
)

// EventKinds lists the kinds of events.
var EventKinds = []EventKind{
	EventDeviceOnline, EventDeviceSuspect, EventDeviceOffline, EventDeviceEnrolled, EventDeviceDeleted, EventDeviceAlert,
	EventSessionOpened, EventSessionLive, EventSessionPath, EventSessionEnded,
	EventUsageReport, EventBudgetWarning, EventBudgetExhausted, EventKeyRevoked,
}

// Event is something that happened in a project. It is kept together with what it tells of, or not at all.
type Event struct {
	Project protocol.ProjectID
	// Seq counts a project's events from 1, without a gap. The store gives it.
	Seq uint64
	// ID names the event, unique over all projects and time. The store gives it.
	ID      string
	Kind    EventKind
	At      time.Time
	Device  protocol.DeviceID
	Session protocol.SessionID
	// Data is a JSON object that depends on the kind.
	Data json.RawMessage
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

// EventFilter chooses events: those after a number, of some kinds, or of all if Kinds is empty.
type EventFilter struct {
	After uint64
	Kinds []EventKind
}
