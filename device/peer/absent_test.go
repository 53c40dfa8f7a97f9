package peer

import (
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// absent is a stream whose source has never been there.
func absent(t *testing.T) *media.Stream {
	t.Helper()
	s := media.NewStream(media.Config{})
	t.Cleanup(s.StandIn(func() {}).End)
	return s
}

// A bound of an hour stands for waiting at all.
func TestAnswerDoesNotWaitForASourceThatIsAway(t *testing.T) {
	host := newHost(t, func(c *Config) { c.FormatTimeout = time.Hour })
	v := newViewer(t, viewing{})
	s := open(t, host, v, func(o *Options) {
		o.Camera = media.Camera{Renditions: []media.Rendition{{Name: protocol.RenditionMain, Stream: absent(t)}}}
	})
	s.mustOffer(nil)
}

func TestViewerGetsTheRenditionWhoseSourceIsThere(t *testing.T) {
	v := newViewer(t, viewing{})
	s := open(t, newHost(t), v, func(o *Options) {
		o.Camera = media.Camera{Renditions: []media.Rendition{
			{Name: protocol.RenditionMain, Stream: absent(t)}, {Name: protocol.RenditionSub, Stream: newStream(t)},
		}}
	})
	s.mustOffer(nil)
	s.showing(protocol.RenditionSub)
	v.sees(webrtc.RTPCodecTypeVideo, 10)
}
