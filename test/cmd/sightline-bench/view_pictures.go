//go:build linux

package main

import (
	"strings"
	"time"

	"github.com/pion/rtp"
	"github.com/pion/rtp/codecs"
	"github.com/pion/webrtc/v4"
)

const (
	// freezeAfter is how long a viewer may have no new frame, and how long it waits for a packet that is missing.
	freezeAfter = 500 * time.Millisecond
	// pictureWindow is how many packets may wait for a missing one: several seconds of HD. A power of two, so that
	// sequence numbers index it across their wrap.
	pictureWindow = 4096
	// askAgain is when a packet that is still missing is asked for once more: after a long round trip. askMost bounds what
	// is asked for at once.
	askAgain = 50 * time.Millisecond
	askMost  = 256
)

// pictures counts what one viewer would show: frames of which nothing is missing, nor of what they refer to.
type pictures struct {
	// key tells whether a keyframe begins in a payload; nil means that any frame can be shown.
	key func(payload []byte) bool

	slots [pictureWindow]packetSeen
	begun bool
	// next is the packet that the order goes on with, newest the highest number seen.
	next, newest uint16
	// stuck is since when next has been missing while later ones are there.
	stuck time.Time
	// torn says that the frame at hand lacks packets, fresh that a keyframe began in it, sound that all frames since a
	// keyframe were whole.
	torn, fresh, sound bool

	frames, freezes int
	first, last     time.Time
}

type packetSeen struct {
	here, key, marker bool
	// asked is when it was asked for, while it is missing.
	asked time.Time
}

// take notes a packet and reports whether a keyframe is needed to go on.
func (p *pictures) take(h *rtp.Header, payload []byte, now time.Time) (needsKeyframe bool) {
	if !p.begun {
		p.begun, p.next, p.newest = true, h.SequenceNumber, h.SequenceNumber
	}
	if ahead := h.SequenceNumber - p.next; ahead >= pictureWindow {
		return false // late, or twice
	}
	if int16(h.SequenceNumber-p.newest) > 0 { //nolint:gosec // RFC 1982: the difference is a signed one
		p.newest = h.SequenceNumber
	}
	p.slots[h.SequenceNumber%pictureWindow] = packetSeen{
		here: true, marker: h.Marker, key: p.key == nil || p.key(payload),
	}
	p.advance(now)
	if p.next == p.newest+1 {
		p.stuck = time.Time{}
		return !p.sound
	}
	if p.stuck.IsZero() {
		p.stuck = now
	}
	if now.Sub(p.stuck) > freezeAfter {
		p.skip(now)
	}
	return !p.sound
}

// missing returns the packets to ask for now.
func (p *pictures) missing(now time.Time) (ask []uint16) {
	for seq := p.next; seq != p.newest+1 && len(ask) < askMost; seq++ {
		if slot := &p.slots[seq%pictureWindow]; !slot.here && now.Sub(slot.asked) > askAgain {
			slot.asked = now
			ask = append(ask, seq)
		}
	}
	return ask
}

// advance goes on as far as packets are in order.
func (p *pictures) advance(now time.Time) {
	for {
		slot := &p.slots[p.next%pictureWindow]
		if !slot.here {
			return
		}
		p.fresh = p.fresh || slot.key
		if slot.marker {
			p.end(now)
		}
		*slot = packetSeen{}
		p.next++
		p.stuck = time.Time{}
	}
}

// skip gives up what is missing.
func (p *pictures) skip(now time.Time) {
	for !p.slots[p.next%pictureWindow].here {
		p.slots[p.next%pictureWindow] = packetSeen{}
		p.next++
	}
	p.torn, p.fresh, p.sound = !p.slots[p.next%pictureWindow].key, false, false
	p.advance(now)
}

// end is that of a frame.
func (p *pictures) end(now time.Time) {
	p.sound = !p.torn && (p.sound || p.fresh)
	p.torn, p.fresh = false, false
	if !p.sound {
		return
	}
	p.frames++
	p.rest(now)
	p.last = now
	if p.first.IsZero() {
		p.first = now
	}
}

// rest counts the time since the last frame if it was a freeze.
func (p *pictures) rest(now time.Time) {
	if !p.last.IsZero() && now.Sub(p.last) > freezeAfter {
		p.freezes++
	}
}

// keyframes returns what finds keyframes in a codec's payloads; nil for those that this program cannot read.
func keyframes(mime string) func([]byte) bool {
	switch {
	case strings.EqualFold(mime, webrtc.MimeTypeH264):
		return keyH264
	case strings.EqualFold(mime, webrtc.MimeTypeH265):
		return keyH265
	case strings.EqualFold(mime, webrtc.MimeTypeVP8):
		return keyVP8
	}
	return nil
}

// keyH264 looks for an IDR picture or the SPS before it (RFC 6184 section 5.4).
func keyH264(b []byte) bool {
	const idr, sps, stapA, fuA = 5, 7, 24, 28
	if len(b) < 2 {
		return false
	}
	switch kind := b[0] & 0x1f; kind {
	case idr, sps:
		return true
	case stapA:
		for rest := b[1:]; len(rest) > 2; {
			n := int(rest[0])<<8 | int(rest[1])
			if inner := rest[2] & 0x1f; inner == idr || inner == sps {
				return true
			}
			rest = rest[min(2+n, len(rest)):]
		}
	case fuA:
		return b[1]&0x80 != 0 && b[1]&0x1f == idr
	}
	return false
}

// keyH265 looks for an IRAP picture or a VPS, SPS or PPS (RFC 7798 section 4.4).
func keyH265(b []byte) bool {
	const aggregation, fragment = 48, 49
	if len(b) < 5 {
		return false
	}
	kind := b[0] >> 1 & 0x3f
	switch {
	case kind == aggregation:
		kind = b[4] >> 1 & 0x3f
	case kind == fragment && b[2]&0x80 == 0:
		return false
	case kind == fragment:
		kind = b[2] & 0x3f
	}
	return kind >= 16 && kind <= 21 || kind >= 32 && kind <= 34
}

// keyVP8 reads the inverse key frame flag at the start of a frame (RFC 7741 section 4.3).
func keyVP8(b []byte) bool {
	var p codecs.VP8Packet
	data, err := p.Unmarshal(b)
	return err == nil && p.S == 1 && p.PID == 0 && len(data) > 0 && data[0]&1 == 0
}
