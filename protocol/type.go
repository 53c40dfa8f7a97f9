package protocol

// Type is the name of a message.
type Type string

// The messages. Their classes and bodies are in the table below; docs/protocol.md tells what each is for.
const (
	TypeHello      Type = "hello"
	TypeWelcome    Type = "welcome"
	TypePing       Type = "ping"
	TypePong       Type = "pong"
	TypeAck        Type = "ack"
	TypeGoaway     Type = "goaway"
	TypeBye        Type = "bye"
	TypeError      Type = "error"
	TypeSnapshot   Type = "snapshot"
	TypePresence   Type = "presence"
	TypePolicy     Type = "policy"
	TypeICEServers Type = "ice_servers"
	TypeOpen       Type = "open"
	TypeOpened     Type = "opened"
	TypeInvite     Type = "invite"
	TypeDescribe   Type = "describe"
	TypeCandidate  Type = "candidate"
	TypePath       Type = "path"
	TypeExtend     Type = "extend"
	TypeClose      Type = "close"
	TypeClosed     Type = "closed"
	TypeSync       Type = "sync"
	TypeReply      Type = "reply"
	TypeEvent      Type = "event"
	TypeGap        Type = "gap"
	TypeStats      Type = "stats"
	TypeNetwork    Type = "network"
	TypeCapture    Type = "capture"
)

// Class says how a message travels: whether it is numbered, kept for replay, replaced or dropped.
type Class int

// The classes.
const (
	// ClassControl belongs to the socket: never numbered, never replayed.
	ClassControl Class = iota
	// ClassState is kept per key: the newest replaces, and all of it is sent again after every welcome.
	ClassState
	// ClassSequenced is numbered, acknowledged and replayed: exactly once, in order.
	ClassSequenced
	// ClassEvent carries its own event sequence; what overflows is told by a gap.
	ClassEvent
	// ClassVolatile may be dropped, the oldest first.
	ClassVolatile
)

// kinds is the message table: the class of each type and its empty body, nil where it has none.
var kinds = map[Type]struct {
	class Class
	body  func() Message
}{
	TypeHello:      {ClassControl, func() Message { return &Hello{} }},
	TypeWelcome:    {ClassControl, func() Message { return &Welcome{} }},
	TypePing:       {ClassControl, nil},
	TypePong:       {ClassControl, nil},
	TypeAck:        {ClassControl, nil},
	TypeGoaway:     {ClassControl, func() Message { return &Goaway{} }},
	TypeBye:        {ClassControl, nil},
	TypeError:      {ClassControl, func() Message { return &Error{} }},
	TypeSnapshot:   {ClassState, func() Message { return &Snapshot{} }},
	TypePresence:   {ClassState, func() Message { return &Presence{} }},
	TypePolicy:     {ClassState, func() Message { return &Policy{} }},
	TypeICEServers: {ClassState, func() Message { return &ICEServers{} }},
	TypeOpen:       {ClassSequenced, func() Message { return &Open{} }},
	TypeOpened:     {ClassSequenced, func() Message { return &Opened{} }},
	TypeInvite:     {ClassSequenced, func() Message { return &Invite{} }},
	TypeDescribe:   {ClassSequenced, func() Message { return &Describe{} }},
	TypeCandidate:  {ClassSequenced, func() Message { return &Candidate{} }},
	TypePath:       {ClassSequenced, func() Message { return &Path{} }},
	TypeExtend:     {ClassSequenced, func() Message { return &Extend{} }},
	TypeClose:      {ClassSequenced, func() Message { return &Close{} }},
	TypeClosed:     {ClassSequenced, func() Message { return &Closed{} }},
	TypeSync:       {ClassSequenced, func() Message { return &Sync{} }},
	TypeReply:      {ClassSequenced, func() Message { return &Reply{} }},
	TypeEvent:      {ClassEvent, func() Message { return &Event{} }},
	TypeGap:        {ClassEvent, func() Message { return &Gap{} }},
	TypeStats:      {ClassVolatile, func() Message { return &Stats{} }},
	TypeNetwork:    {ClassState, func() Message { return &Network{} }},
	TypeCapture:    {ClassVolatile, func() Message { return &Capture{} }},
}

// Types lists every message type.
func Types() []Type {
	types := make([]Type, 0, len(kinds))
	for t := range kinds {
		types = append(types, t)
	}
	return types
}

// Known reports whether the type is in the message table.
func (t Type) Known() bool {
	_, ok := kinds[t]
	return ok
}

// Class returns how the envelope travels. An error that answers a request is sequenced, so that a refusal
// cannot be lost; a report that media flows is state.
func (e *Envelope) Class() Class {
	switch {
	case e.Type == TypeError && e.Re != 0:
		return ClassSequenced
	case e.Type == TypeStats && e.mediaReport:
		return ClassState
	}
	return kinds[e.Type].class
}

// StateKey returns what a state message replaces: the newest of its type for its session, or for its device.
func (e *Envelope) StateKey() string {
	return string(e.Type) + "/" + string(e.Session) + e.stateKey
}
