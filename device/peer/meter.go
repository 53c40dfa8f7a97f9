package peer

import (
	"io"
	"sync/atomic"

	"github.com/pion/interceptor"
	"github.com/pion/rtp"
)

// meter is the innermost interceptor: it counts what really leaves, retransmissions included, and is the gate that
// ends it at once. A packet that the network does not take is lost and counted, like one that is lost further on:
// an ICE restart must not end a session.
type meter struct {
	interceptor.NoOp
	packets, bytes, refused atomic.Uint64
	// shut ends it for good; held loses what would go over a path that the policy does not allow.
	shut, held atomic.Bool
}

// NewInterceptor implements interceptor.Factory; a meter serves one peer connection.
func (m *meter) NewInterceptor(string) (interceptor.Interceptor, error) { return m, nil }

// BindLocalStream implements interceptor.Interceptor.
func (m *meter) BindLocalStream(_ *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	return interceptor.RTPWriterFunc(func(h *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		if m.shut.Load() {
			return 0, io.ErrClosedPipe
		}
		size := h.MarshalSize() + len(payload)
		if m.held.Load() {
			m.refused.Add(1)
			return size, nil
		}
		if _, err := next.Write(h, payload, a); err != nil {
			m.refused.Add(1)
			return size, nil //nolint:nilerr // lost, as the comment of meter says
		}
		m.packets.Add(1)
		m.bytes.Add(uint64(size))
		return size, nil
	})
}

// lose takes packets back, of the mean size, that were counted and then not taken by the network.
func (m *meter) lose(packets int) {
	lost, all := uint64(packets), max(m.packets.Load(), 1) //nolint:gosec // a count of packets is not negative
	m.bytes.Add(-(m.bytes.Load() / all * lost))
	m.packets.Add(-lost)
	m.refused.Add(lost)
}
