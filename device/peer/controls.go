package peer

import (
	"context"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// Controls is what the viewer of a session may ask of the camera. The peer sees to the viewer's rights. It is safe for
// concurrent use; errors that are no protocol.Error reach the viewer as internal.
type Controls interface {
	// Status returns how the camera is, all its renditions, and all that it can do. It does not block.
	Status() protocol.Camera
	// Subscribe has changed called, which does not block, whenever Status may be another, until cancel returns.
	Subscribe(changed func()) (cancel func())
	// Snapshot returns a JPEG. It fails with protocol.CodeNotFound when the camera makes none.
	Snapshot(ctx context.Context) ([]byte, error)
	// Move moves the camera for a viewer, until the next Move of whoever it is. It fails with protocol.CodeNotFound when the
	// camera does not move.
	Move(ctx context.Context, viewer protocol.SessionID, m protocol.PTZ) error
	// TalkFormats are those of sound that the loudspeaker takes, the best first; none means that there is no way to be
	// talked to, as far as is known.
	TalkFormats() []media.AudioFormat
	// Talk opens the way to the loudspeaker. It fails with protocol.CodeBusy while another viewer talks, and with
	// protocol.CodeNotFound when there is none.
	Talk(ctx context.Context) (Mouth, error)
}

// noControls is a camera that can do nothing.
type noControls struct{}

func (noControls) Status() protocol.Camera                  { return protocol.Camera{Source: protocol.SourceUp} }
func (noControls) Subscribe(func()) func()                  { return func() {} }
func (noControls) Snapshot(context.Context) ([]byte, error) { return nil, errNoSnapshot }

func (noControls) TalkFormats() []media.AudioFormat    { return nil }
func (noControls) Talk(context.Context) (Mouth, error) { return nil, errNoTalk }

func (noControls) Move(context.Context, protocol.SessionID, protocol.PTZ) error { return errNoMove }

var (
	errNoSnapshot = protocol.Errorf(protocol.CodeNotFound, "the camera makes no snapshots")
	errNoMove     = protocol.Errorf(protocol.CodeNotFound, "the camera cannot be moved")
)
