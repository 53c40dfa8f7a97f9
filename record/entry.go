package record

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// EntryKind says what an entry of a project's points ledger is.
type EntryKind string

// The kinds of entries. docs/cost.md explains them.
const (
	EntryGrant      EntryKind = "grant"      // points that the operator gave
	EntryCorrection EntryKind = "correction" // points that the operator took back
	EntryReserve    EntryKind = "reserve"    // points held for what an allocation or a session may use next
	EntrySettle     EntryKind = "settle"     // what was used, paid from what was held, and what is held from now on
	EntryRelease    EntryKind = "release"    // points held that nobody used
	EntryRefund     EntryKind = "refund"     // points of a settlement that come back
)

// EntryKinds lists the kinds of entries.
var EntryKinds = []EntryKind{EntryGrant, EntryCorrection, EntryReserve, EntrySettle, EntryRelease, EntryRefund}

// Entry is one line of a project's points ledger. It is never changed and never deleted.
type Entry struct {
	Project protocol.ProjectID
	// Seq counts a project's entries from 1, without a gap.
	Seq  uint64
	Kind EntryKind
	At   time.Time
	// Amount is what it adds to the balance, Balance the sum of all amounts up to it.
	Amount, Balance Points
	// Held is what it adds to the part of the balance that is held for what comes next.
	Held Points
	// Absorbed is what the use of a settlement cost beyond all that the project had: nobody pays it.
	Absorbed Points
	// Bytes and Time are what was used of the relay, or what a refund gives the price of back.
	Bytes uint64
	Time  time.Duration
	// Session and Allocation are whose it is; Allocation is empty for the time of a session.
	Session    protocol.SessionID
	Allocation string
	// Reference is unique in a project where it is not empty: who gives points names them with it, a refund its settlement.
	Reference string
	Note      string
}

// EntryFilter chooses entries: of one session, of one kind, or of all where they are empty.
type EntryFilter struct {
	Session protocol.SessionID
	Kind    EntryKind
}

// Allowance is what an allocation of a project with a budget may carry. An allocation that has none may carry anything.
type Allowance struct {
	Allocation string
	// Bytes is all it may carry from its beginning on, payload of both directions together, and Until how long it may.
	Bytes uint64
	Until time.Time
}
