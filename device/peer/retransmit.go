package peer

import (
	"encoding/binary"
	"sync"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"golang.org/x/time/rate"
)

const (
	// historySize is how many packets can be asked for again: 2048 are 4 s of 4 Mbit/s, longer than any viewer's
	// buffer. A power of two, so that sequence numbers index it across their wrap.
	historySize = 2048
	// resendBudget bounds the retransmissions for one NACK packet; a viewer that misses more than this needs a keyframe,
	// and asks for it.
	resendBudget = 256
	// resendRate bounds them for a stream, in packets a second and at once: the 4 Mbit/s of the history once more. A NACK of a
	// hundred bytes asks for 256 packets, and the camera's way out is everybody's.
	resendRate = 512
	// resendShare is the share of a path that was full which they may take: what was lost there was too much, and to send it
	// again is more of that. resendLeast is the least, in packets a second.
	resendShare = 0.25
	resendLeast = 10
)

// retransmit answers NACKs (RFC 4585 section 6.2.1) with RTX packets (RFC 4588), or with the packet itself when the
// viewer takes no RTX. Unlike the library's responder it copies no payload: they are shared by all viewers.
type retransmit struct {
	interceptor.NoOp

	// resent counts the packets that were sent again because the viewer asked for them.
	resent atomic.Uint64

	mu      sync.Mutex // guards streams
	streams map[uint32]*history
}

// NewInterceptor implements interceptor.Factory; a retransmit serves one peer connection.
func (r *retransmit) NewInterceptor(string) (interceptor.Interceptor, error) { return r, nil }

// BindLocalStream implements interceptor.Interceptor.
func (r *retransmit) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	wanted := false
	for _, f := range info.RTCPFeedback {
		wanted = wanted || f.Type == "nack" && f.Parameter == ""
	}
	if !wanted {
		return next
	}
	h := &history{
		ssrc: info.SSRCRetransmission, payloadType: info.PayloadTypeRetransmission, next: next,
		pace: rate.NewLimiter(resendRate, resendRate),
	}
	r.mu.Lock()
	if r.streams == nil {
		r.streams = make(map[uint32]*history)
	}
	r.streams[info.SSRC] = h
	r.mu.Unlock()
	return interceptor.RTPWriterFunc(func(header *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		h.add(header, payload)
		return next.Write(header, payload, a)
	})
}

// UnbindLocalStream implements interceptor.Interceptor.
func (r *retransmit) UnbindLocalStream(info *interceptor.StreamInfo) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.streams, info.SSRC)
}

// BindRTCPReader implements interceptor.Interceptor.
func (r *retransmit) BindRTCPReader(next interceptor.RTCPReader) interceptor.RTCPReader {
	return overhear(next, r.resend)
}

func (r *retransmit) resend(nack *rtcp.TransportLayerNack) {
	r.mu.Lock()
	h := r.streams[nack.MediaSSRC]
	r.mu.Unlock()
	if h == nil {
		return
	}
	budget := resendBudget
	for _, pair := range nack.Nacks {
		pair.Range(func(seq uint16) bool {
			budget--
			if budget < 0 {
				return false
			}
			sent, err := h.resend(seq)
			r.resent.Add(sent)
			return err == nil
		})
	}
}

// history is the last packets of one stream.
type history struct {
	ssrc        uint32 // of RTX; 0 means that the viewer takes none
	payloadType uint8
	next        interceptor.RTPWriter
	pace        *rate.Limiter

	mu       sync.Mutex // guards what follows
	packets  [historySize]sent
	sequence uint16 // of the next RTX packet
	// newest is the number of the last packet, turn how far before it the last copy was.
	newest, turn uint16
}

// sent is what must be known of a packet that has left. Its payload belongs to the stream and is never changed.
type sent struct {
	payload     []byte
	timestamp   uint32
	ssrc        uint32
	sequence    uint16
	payloadType uint8
	marker      bool
	// asked says that the viewer missed it before.
	asked bool
}

func (h *history) add(header *rtp.Header, payload []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.newest = header.SequenceNumber
	h.packets[header.SequenceNumber%historySize] = sent{
		payload: payload, timestamp: header.Timestamp, ssrc: header.SSRC, sequence: header.SequenceNumber,
		payloadType: header.PayloadType, marker: header.Marker,
	}
}

// resend sends a packet again and returns how often; one that is too old, or one too many, is left out without an error.
func (h *history) resend(seq uint16) (sent uint64, err error) {
	for range h.copies(seq) {
		header, payload, ok := h.again(seq)
		if !ok || !h.pace.Allow() {
			break
		}
		if _, err = h.next.Write(&header, payload, interceptor.Attributes{}); err != nil {
			break
		}
		sent++
	}
	return sent, err
}

// copies tells how often a packet is to be sent again: twice when it was asked for before, since another round is what
// the viewer would notice, but not over a path that was full.
func (h *history) copies(seq uint16) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := &h.packets[seq%historySize]
	before := p.asked
	p.asked = true
	if before && h.pace.Limit() == resendRate {
		return 2
	}
	return 1
}

// bound has retransmissions take no more than their share of a path that carries bps bits per second; 0 means that nothing
// is known of it.
func (r *retransmit) bound(bps int) {
	limit := rate.Limit(resendRate)
	if bps > 0 {
		limit = min(limit, max(resendLeast, rate.Limit(resendShare*float64(bps)/8/packetBytes)))
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, h := range r.streams {
		if h.pace.Limit() != limit {
			h.pace.SetLimit(limit)
			h.pace.SetBurst(int(limit))
		}
	}
}

// packetBytes is the size of a full packet.
const packetBytes = 1200

// again returns the packet to send for a lost one: as RTX its payload begins with the original sequence number
// (RFC 4588 section 4).
func (h *history) again(seq uint16) (rtp.Header, []byte, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p := h.packets[seq%historySize]
	if p.payload == nil || p.sequence != seq {
		return rtp.Header{}, nil, false
	}
	header := rtp.Header{
		Version: 2, Marker: p.marker, PayloadType: p.payloadType, SequenceNumber: seq, Timestamp: p.timestamp, SSRC: p.ssrc,
	}
	if h.ssrc == 0 {
		return header, p.payload, true
	}
	header.SSRC, header.PayloadType, header.SequenceNumber = h.ssrc, h.payloadType, h.sequence
	h.sequence++
	payload := binary.BigEndian.AppendUint16(make([]byte, 0, 2+len(p.payload)), seq)
	return header, append(payload, p.payload...), true
}
