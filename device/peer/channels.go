package peer

import (
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// maxChannels is how many data channels a viewer may make in a session. It needs one, and another when that was lost.
	maxChannels = 8
	// maxStrikes is how often a viewer may have its control channel closed for what it did with it before the session ends.
	maxStrikes = 2
	// channelBuffer bounds what the viewer may send ahead of what is read, in bytes, on all its channels together: a few
	// messages of the largest size.
	channelBuffer = 4 * protocol.MaxControlBytes
)

// channel is an open data channel, as package datachannel has it.
type channel interface {
	// ReadDataChannel reads one message, and says whether it is text.
	ReadDataChannel(b []byte) (n int, text bool, err error)
	// WriteDataChannel waits until the message before has left for the network.
	WriteDataChannel(b []byte, text bool) (int, error)
	SetReadDeadline(t time.Time) error
	SetWriteDeadline(t time.Time) error
	Close() error
}

// channels are the data channels of a session. One is used: that of label protocol.ControlLabel; all others are closed.
type channels struct {
	// made counts all that the viewer has made, strikes those control channels that were closed because of it.
	made, strikes int
	// taken says that there is a control channel.
	taken bool
	// opened is a control channel that nobody serves yet.
	opened channel
}

// settleChannels makes data channels cheap: their buffers are small, and nobody reads them but this package.
func settleChannels(e *webrtc.SettingEngine) {
	e.DetachDataChannels()
	e.EnableDataChannelBlockWrite(true)
	e.SetSCTPMaxReceiveBufferSize(channelBuffer)
	e.SetSCTPMaxMessageSize(protocol.MaxControlBytes)
}

// watchChannels takes in the data channels of a peer connection.
func (p *Peer) watchChannels(pc *webrtc.PeerConnection) {
	pc.OnDataChannel(func(d *webrtc.DataChannel) {
		if !p.admitChannel(d) {
			if err := d.Close(); err != nil {
				p.log.Debug("data channel not closed cleanly", "err", err)
			}
			return
		}
		d.OnOpen(func() { p.openedChannel(d) })
	})
}

// admitChannel reports whether a data channel is the control channel.
func (p *Peer) admitChannel(d *webrtc.DataChannel) bool {
	p.mu.Lock()
	p.channels.made++
	flood := p.channels.made > maxChannels
	fits := !flood && !p.channels.taken && d.Label() == protocol.ControlLabel &&
		d.Ordered() && d.MaxRetransmits() == nil && d.MaxPacketLifeTime() == nil
	p.channels.taken = p.channels.taken || fits
	p.mu.Unlock()
	if flood {
		p.log.Warn("session ends: the viewer makes channel after channel")
		p.stop(protocol.ReasonDeviceLeft)
	}
	return fits
}

// openedChannel has run serve the control channel.
func (p *Peer) openedChannel(d *webrtc.DataChannel) {
	raw, err := d.DetachWithDeadline()
	if err != nil {
		p.log.Debug("data channel not taken over", "err", err)
		return
	}
	p.mu.Lock()
	p.channels.opened = raw
	p.mu.Unlock()
	p.poke()
}

// serveChannel begins to serve a control channel that has opened.
func (p *Peer) serveChannel() {
	p.mu.Lock()
	raw := p.channels.opened
	p.channels.opened = nil
	p.mu.Unlock()
	if raw == nil {
		return
	}
	p.work.Go(func() {
		err := newConsole(p, raw).serve()
		if err == nil {
			p.releaseChannel(0)
			return
		}
		p.log.Warn("control channel closed", "err", err)
		if p.releaseChannel(1) >= maxStrikes {
			p.stop(protocol.ReasonDeviceLeft)
		}
	})
}

// releaseChannel lets the viewer make another control channel, and returns its strikes.
func (p *Peer) releaseChannel(strikes int) int {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.channels.taken = false
	p.channels.strikes += strikes
	return p.channels.strikes
}
