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

// EventSpan is which of a project's events are kept: First to Last, without a gap. Nothing is kept where First is Last + 1.
type EventSpan struct{ First, Last uint64 }

// EventFilter chooses events: those after a number, of some kinds, or of all if Kinds is empty.
type EventFilter struct {
	After uint64
	Kinds []EventKind
}
