package record

import "github.com/sightline-rtc/sightline/protocol"

// SessionFilter chooses sessions of a list. Empty fields choose all.
type SessionFilter struct {
	Device protocol.DeviceID
	State  protocol.SessionState
}
