package demux

import "github.com/sightline-rtc/sightline/device/media"

// pesHead is the fixed part of a PES packet's header (H.222.0 section 2.4.3.6).
const pesHead = 9

// pes is one PES packet: a picture, or some sound.
type pes struct {
	data     []byte
	pts, dts int64
	// timed says that the packet is whole and tells its time.
	timed bool
}

// elementary puts the PES packets of one stream together.
type elementary struct {
	data []byte
	// want is the size of the packet with its header, 0 when it does not say.
	want int
	// begun tells that the beginning was there and all that came since.
	begun bool
	// counter is that of the packet of the transport stream before; met tells that there was one.
	counter byte
	met     bool
	// usual is how large the last one was.
	usual int
}

// add takes the payload of a packet of the transport stream, and returns the PES packet that ends before it.
func (e *elementary) add(payload []byte, begins bool, counter byte) (before pes) {
	if e.met && counter == e.counter { // sent twice
		return pes{}
	}
	if e.met && counter != (e.counter+1)&0xf {
		e.begun = false
	}
	e.counter, e.met = counter, true
	if begins {
		before = e.take()
		e.data, e.want, e.begun = make([]byte, 0, max(e.usual, tsPacket)), 0, true
		if len(payload) > 5 {
			if size := int(payload[4])<<8 | int(payload[5]); size > 0 {
				e.want = size + 6
			}
		}
	}
	if len(e.data)+len(payload) > media.MaxAccessUnit {
		e.begun = false
	}
	if e.begun {
		e.data = append(e.data, payload...)
	}
	return before
}

// whole reports whether the packet is complete without a look at the next.
func (e *elementary) whole() bool { return e.begun && e.want > 0 && len(e.data) >= e.want }

// take returns the packet that has come.
func (e *elementary) take() pes {
	b, ok := e.data, e.begun
	if e.want > 0 {
		ok = ok && len(b) >= e.want
		b = b[:min(len(b), e.want)]
	}
	e.usual = len(e.data) + len(e.data)/8
	e.data, e.begun = nil, false
	if !ok || len(b) < pesHead || b[0] != 0 || b[1] != 0 || b[2] != 1 || b[6]&0xc0 != 0x80 {
		return pes{}
	}
	flags, head := b[7]>>6, pesHead+int(b[8])
	if flags < 2 || head > len(b) || head < pesHead+5*int(flags-1) {
		return pes{}
	}
	p := pes{data: b[head:], pts: pesTime(b[9:]), timed: true}
	p.dts = p.pts
	if flags == 3 {
		p.dts = pesTime(b[14:])
	}
	return p
}

// pesTime reads the 33 bits of a time.
func pesTime(b []byte) int64 {
	return int64(b[0]>>1&7)<<30 | int64(b[1])<<22 | int64(b[2]>>1)<<15 | int64(b[3])<<7 | int64(b[4]>>1)
}
