package device

import (
	"context"
	"regexp"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/peer"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/protocol"
)

// controls is a camera as its viewers may ask for it: peer.Controls.
type controls struct{ camera *source.Camera }

// maxWhy bounds the words of why a source is down.
const maxWhy = 200

// Status implements peer.Controls. That nobody looks is no state to somebody who is about to.
func (c controls) Status() protocol.Camera {
	now, able := c.camera.Status(), c.camera.Abilities()
	status := protocol.Camera{
		Source: protocol.SourceDialing, Talk: able.Talk, PTZ: able.PTZ, Snapshot: able.Snapshot, Talking: c.camera.Talking(),
		Notes: able.Notes,
	}
	switch now.State {
	case source.StateUp:
		status.Source = protocol.SourceUp
	case source.StateDown:
		status.Source = protocol.SourceDown
		status.Why = forViewers(now.Err)
		status.RetryMS = max(0, time.Until(now.Retry).Milliseconds())
	case source.StateIdle, source.StateDialing:
	}
	for _, r := range c.camera.Media().Renditions {
		rendition := protocol.Rendition{Name: r.Name}
		if format, ok := r.Stream.LastFormat(); ok {
			rendition.Codec = string(format.Codec)
			rendition.Width, rendition.Height, rendition.FPS = format.Width, format.Height, format.FPS
		}
		status.Renditions = append(status.Renditions, rendition)
	}
	return status
}

// Subscribe implements peer.Controls.
func (c controls) Subscribe(changed func()) (cancel func()) { return c.camera.Subscribe(changed) }

// Snapshot implements peer.Controls.
func (c controls) Snapshot(ctx context.Context) ([]byte, error) { return c.camera.Snapshot(ctx) }

// Move implements peer.Controls.
func (c controls) Move(ctx context.Context, _ protocol.SessionID, m protocol.PTZ) error {
	return c.camera.Move(ctx, m)
}

// TalkFormats implements peer.Controls.
func (c controls) TalkFormats() []media.AudioFormat { return c.camera.TalkFormats() }

// Talk implements peer.Controls.
func (c controls) Talk(ctx context.Context) (peer.Mouth, error) { return c.camera.Talk(ctx) }

// places are what names something in the camera's network or file system: URLs, IP addresses and paths.
var places = regexp.MustCompile(`[A-Za-z]+://\S*[^\s:]|\[[^\]\s]*\](?::\d+)?|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?\b|(^|\s)/\S*[^\s:]`)

// forViewers says why a source is down without telling viewers where it is: they see the picture, not the network.
func forViewers(err error) string {
	if err == nil {
		return ""
	}
	words := places.ReplaceAllString(source.Reserved(err), "${1}…")
	if runes := []rune(words); len(runes) > maxWhy {
		words = string(runes[:maxWhy]) + "…"
	}
	return words
}
