package record

import (
	"crypto/ed25519"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// WebhookState says whether an endpoint is sent events.
type WebhookState string

// The states. An endpoint that is paused or gone keeps its place: what it misses is sent when it is on again.
const (
	WebhookOn     WebhookState = "on"
	WebhookPaused WebhookState = "paused" // its project said so
	WebhookGone   WebhookState = "gone"   // it answered 410
)

// WebhookSecretOverlap is how long deliveries are signed with a secret after its successor was made, too.
const WebhookSecretOverlap = 24 * time.Hour

// Webhook is an address of a partner to which the events of a project are sent.
type Webhook struct {
	ID      string
	Project protocol.ProjectID
	URL     string
	Name    string
	// Kinds are those that are sent; none means all.
	Kinds []EventKind
	State WebhookState
	// Since is when the State became what it is.
	Since time.Time
	// Secret signs deliveries by HMAC-SHA256, and OldSecret as well until OldUntil. Private signs them by Ed25519.
	Secret    []byte
	OldSecret []byte
	OldUntil  time.Time
	Private   ed25519.PrivateKey
	// Version grows with each change of what stands above.
	Version uint64
	Created time.Time

	// Cursor is up to which event of the project the endpoint has been served: each is delivered, waits for another
	// attempt or is a dead letter, but for those in Open, whose first attempt is not over.
	Cursor uint64
	Open   []uint64
	// Failing is since when no delivery succeeds; zero while they do.
	Failing time.Time
	// Missed counts the events that were deleted, as too old or too many, before the endpoint was on to be sent them.
	Missed uint64
}

// Wants reports whether the endpoint is sent events of a kind.
func (w *Webhook) Wants(kind EventKind) bool {
	return len(w.Kinds) == 0 || slices.Contains(w.Kinds, kind)
}

// SeqRange is events by their numbers, both ends included.
type SeqRange struct{ First, Last uint64 }

// Delivery is one attempt to send an event to an endpoint.
type Delivery struct {
	Webhook string
	// Number counts the endpoint's attempts that succeeded, or those that did not.
	Number uint64
	Event  string
	Seq    uint64
	Kind   EventKind
	Device protocol.DeviceID
	// Attempt counts those of the event from 1.
	Attempt int
	At      time.Time
	Took    time.Duration
	// Status is what the endpoint answered; 0 is no answer.
	Status int
	// Err says why it failed, for people; empty for one that succeeded.
	Err string
	// Response is the beginning of what the endpoint answered.
	Response string
}

// DeliveryFilter chooses deliveries. Empty fields choose all.
type DeliveryFilter struct {
	// Succeeded is Yes or No.
	Succeeded Answer
	Event     string
	Kind      EventKind
	Device    protocol.DeviceID
}

// WaitingDelivery is an event that waits for another attempt, or behind one of its device that does.
type WaitingDelivery struct {
	Seq    uint64
	Event  string
	Device protocol.DeviceID
	// Attempts are over.
	Attempts int
	// Due is when the first attempt was, or should have been, and Next when the next is.
	Due, Next time.Time
}

// Replay asks for events to be sent again: that one, or all in Range (a Last of 0 is open), or only those of them that are
// dead letters.
type Replay struct {
	Event string
	Range SeqRange
	Dead  bool
}

// ReplayRange is what is left of a Replay.
type ReplayRange struct {
	ID string
	SeqRange
}

// WebhookProgress is what has become of an endpoint's deliveries since it was kept the last time. It is kept as a whole.
type WebhookProgress struct {
	Webhook string
	Cursor  uint64
	Open    []uint64
	Failing time.Time
	// Missed is to be added.
	Missed uint64
	// Gone says that the endpoint answered 410.
	Gone bool
	// Waiting are new or changed, Settled those that wait no longer.
	Waiting []WaitingDelivery
	Settled []uint64
	// Dead became dead letters.
	Dead []SeqRange
	// Replays are what is left of those that went on; one whose First is over its Last is done.
	Replays []ReplayRange
	// Deliveries are for the log. Their Numbers are given by the store.
	Deliveries []Delivery
}
