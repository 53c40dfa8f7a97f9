package peer

import (
	"time"

	"github.com/pion/rtcp"
)

// maxDeparted is how many packets may be on their way: 2 s of 10 Mbit/s. A power of two, so that sequence numbers index it
// across their wrap.
const maxDeparted = 2048

// departures remember what has left, until the viewer says what came of it.
type departures struct {
	packets [maxDeparted]departed
	began   time.Time
	// next is the number of the next packet; awaited that of the first which no feedback has spoken of, once heard.
	next, awaited uint16
	count         uint8 // of the last feedback
	heard         bool
	// reference is the time of the last feedback, on the viewer's clock in units of 64 ms.
	reference int64
}

// departed is one packet. Size 0 means none.
type departed struct {
	at     time.Duration // since began
	size   int32
	number uint16
	// lost says that it was reported so.
	lost bool
}

// add notes a packet that leaves and returns its number.
func (d *departures) add(now time.Time, size int) uint16 {
	if d.began.IsZero() {
		d.began = now
	}
	number := d.next
	d.packets[number%maxDeparted] = departed{at: now.Sub(d.began), size: int32(size), number: number} //nolint:gosec // a packet's size
	d.next++
	return number
}

// get returns a packet that was not spoken of yet.
func (d *departures) get(number uint16) (departed, bool) {
	p := d.packets[number%maxDeparted]
	return p, p.size != 0 && p.number == number
}

// match finds what a feedback packet is about, each packet once; false means nothing that is known.
func (d *departures) match(f *rtcp.TransportLayerCC) (report arrivals, ok bool) {
	if f.PacketStatusCount > maxDeparted {
		return report, false
	}
	d.skip(f, &report)
	number, left := f.BaseSequenceNumber, int(f.PacketStatusCount)
	d.reference += int64(int32(f.ReferenceTime-uint32(d.reference)) << 8 >> 8) //nolint:gosec // 24 bits, which wrap
	came := time.Duration(d.reference) * 64 * time.Millisecond
	deltas := f.RecvDeltas
	take := func(symbol uint16) bool {
		if left == 0 {
			return false
		}
		left--
		received := symbol == rtcp.TypeTCCPacketReceivedSmallDelta || symbol == rtcp.TypeTCCPacketReceivedLargeDelta
		if received {
			if len(deltas) == 0 {
				return false
			}
			came += time.Duration(deltas[0].Delta) * time.Microsecond
			deltas = deltas[1:]
		}
		d.settle(number, received, came, &report)
		number++
		return true
	}
	for _, chunk := range f.PacketChunks {
		switch chunk := chunk.(type) {
		case *rtcp.RunLengthChunk:
			for range chunk.RunLength {
				if !take(chunk.PacketStatusSymbol) {
					break
				}
			}
		case *rtcp.StatusVectorChunk:
			for _, symbol := range chunk.SymbolList {
				if !take(symbol) {
					break
				}
			}
		}
	}
	if !d.heard || int16(number-d.awaited) > 0 { //nolint:gosec // distance modulo 2^16
		d.awaited = number
	}
	d.heard, d.count = true, f.FbPktCount
	return report, report.all > 0
}

// settle notes what came of one packet. One that was lost may still come, in a later feedback.
func (d *departures) settle(number uint16, received bool, came time.Duration, report *arrivals) {
	p, ok := d.get(number)
	if !ok {
		return
	}
	if !p.lost {
		report.all += int(p.size)
	}
	if !received {
		if !p.lost {
			report.lost++
		}
		d.packets[number%maxDeparted].lost = true
		return
	}
	if p.lost {
		report.lost--
	}
	d.packets[number%maxDeparted].size = 0
	report.received++
	report.bytes += int(p.size)
	if delay := came - p.at; !report.timed || delay < report.delay {
		report.delay, report.timed = delay, true
	}
}

// skip takes packets for received that were in a feedback packet which itself did not come: it may have been lost, or
// addressed to the stream of retransmissions, which the library does not read.
func (d *departures) skip(f *rtcp.TransportLayerCC, report *arrivals) {
	if !d.heard || f.FbPktCount == d.count+1 {
		return
	}
	for n := d.awaited; int16(f.BaseSequenceNumber-n) > 0; n++ { //nolint:gosec // distance modulo 2^16
		if p, ok := d.get(n); ok {
			report.received++
			report.bytes += int(p.size)
			report.all += int(p.size)
			d.packets[n%maxDeparted].size = 0
		}
	}
}
