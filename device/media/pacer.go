package media

import (
	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// Pacer paces the video of one viewer and is the gcc.Pacer of its peer connection.
type Pacer struct{}

// NewPacer makes the pacer of one peer connection; give it to gcc.SendSideBWEPacer and to Options.Pacer.
func NewPacer() *Pacer { return &Pacer{} }

// AddStream implements gcc.Pacer.
func (p *Pacer) AddStream(ssrc uint32, w interceptor.RTPWriter) {}

// Write implements gcc.Pacer.
func (p *Pacer) Write(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
	panic("x")
}

// SetTargetBitrate implements gcc.Pacer.
func (p *Pacer) SetTargetBitrate(int) {}

// Close implements gcc.Pacer.
func (p *Pacer) Close() error { return nil }
