package record

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// SessionAnswer is what a device says to a whole offer, and the session that was opened for it. It is told once and not kept.
type SessionAnswer struct {
	Session protocol.SessionID
	// SDP is the device's description with its candidates.
	SDP     string
	Expires time.Time
	// Resource is the path at which a WHEP player changes and ends the session, with the secret of its owner; ETag names its
	// ICE session.
	Resource, ETag string
	// ICEServers are those that the offerer may gather with.
	ICEServers []protocol.ICEServer
}
