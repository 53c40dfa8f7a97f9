package peer

import (
	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// Options say what one session is.
type Options struct {
	Session protocol.SessionID
	// Grants are the viewer's rights. Without RightView nothing is sent, without RightAudio no sound.
	Grants []protocol.Right
	// ICEServers are the STUN and TURN servers of the invite.
	ICEServers []protocol.ICEServer
	Policy     protocol.Policy
	// Media is what the viewer asks for, within its grants.
	Media protocol.Media
	// SameNetwork says that the viewer has the device's own address outside, as the hub sees both.
	SameNetwork bool
	// Trickle says whether candidates may follow the answer. Without it the answer waits for them, 500 ms at most.
	Trickle bool
	// Camera is what there is to see. The peer holds its renditions open while it needs them.
	Camera media.Camera
	// Controls is what the viewer may ask of the camera; nil means a camera that can do nothing but be watched.
	Controls Controls
	Events   Events
}

// Events is told what happens in a session. All calls of one peer come from one goroutine, in order, and must not
// block; Closed is the last and comes exactly once.
type Events interface {
	// Describe brings the answer to an offer, with the offer's revision, or the wish for an ICE restart.
	Describe(protocol.SessionID, protocol.Describe)
	// Candidate brings a local candidate of the newest answer; an empty one ends them.
	Candidate(protocol.SessionID, protocol.Candidate)
	// Path tells the selected candidate pair whenever it changes. Stats of what went over the one before come first.
	Path(protocol.SessionID, protocol.Path)
	// Stats tells quality figures every Config.ReportInterval while packets flow, and before another path, always with
	// Media set.
	Stats(protocol.SessionID, protocol.Stats)
	// Closed tells that the peer has ended. Nothing is sent any more when it is called.
	Closed(protocol.SessionID, protocol.Reason)
}
