package peer

import (
	"fmt"
	"sync"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// track is one outgoing track of a peer connection. It only tells where the stream's shared packets go: numbers and
// payload type of this viewer are written into their headers by the subscription.
type track struct {
	kind  webrtc.RTPCodecType
	codec webrtc.RTPCodecParameters
	// group names the stream that picture and sound belong to, so that the viewer plays them in step.
	group string

	mu    sync.Mutex // guards bound
	bound media.Track
}

var _ webrtc.TrackLocal = (*track)(nil)

func newTrack(kind webrtc.RTPCodecType, codec webrtc.RTPCodecParameters, session protocol.SessionID) *track {
	return &track{kind: kind, codec: codec, group: string(session)}
}

// Bind takes over what the negotiation has given to the track.
func (t *track) Bind(c webrtc.TrackLocalContext) (webrtc.RTPCodecParameters, error) {
	for _, codec := range c.CodecParameters() {
		if codec.PayloadType != t.codec.PayloadType {
			continue
		}
		t.mu.Lock()
		defer t.mu.Unlock()
		t.bound = media.Track{Writer: c.WriteStream(), SSRC: uint32(c.SSRC()), PayloadType: uint8(codec.PayloadType)}
		return codec, nil
	}
	return webrtc.RTPCodecParameters{}, fmt.Errorf("bind %s: payload type %d was not negotiated", t.kind, t.codec.PayloadType)
}

// Unbind forgets where packets go.
func (t *track) Unbind(webrtc.TrackLocalContext) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.bound = media.Track{}
	return nil
}

// target returns where packets go; a nil track, and one that was not negotiated, goes nowhere.
func (t *track) target() media.Track {
	if t == nil {
		return media.Track{}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.bound
}

func (t *track) ID() string                { return t.kind.String() }
func (t *track) RID() string               { return "" }
func (t *track) StreamID() string          { return t.group }
func (t *track) Kind() webrtc.RTPCodecType { return t.kind }
