package peer

import (
	"sync"
	"time"

	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
	"github.com/pion/rtp"
	"github.com/pion/sdp/v3"

	"github.com/sightline-rtc/sightline/device/media"
)

// pathMeter is the interceptor that numbers every packet for the whole connection, reads the feedback about these numbers
// (draft-holmer-rmcat-transport-wide-cc-extensions-01) and estimates from it what the path carries. It charges the pacer
// with what did not wait for it. The library's estimator is not used: it takes packets that a feedback packet does not
// speak of for lost, remembers 250, which is less than a round trip of HD, and allocates for each.
type pathMeter struct {
	interceptor.NoOp
	pacer *media.Pacer
	// filled is called when the path turns out to be full; it must neither block nor call the meter. Nil means nobody.
	filled func()

	mu        sync.Mutex // guards what follows; nothing is written under it
	departed  departures
	estimator estimator
}

// NewInterceptor implements interceptor.Factory; a pathMeter serves one peer connection.
func (m *pathMeter) NewInterceptor(string) (interceptor.Interceptor, error) { return m, nil }

// numbers are all transport-wide sequence numbers as they are written, so that no packet needs memory for its own.
var numbers = func() (all [1 << 16][2]byte) {
	for n := range all {
		all[n] = [2]byte{byte(n >> 8), byte(n)}
	}
	return all
}()

// BindLocalStream implements interceptor.Interceptor.
func (m *pathMeter) BindLocalStream(info *interceptor.StreamInfo, next interceptor.RTPWriter) interceptor.RTPWriter {
	id := uint8(0) // which no extension has (RFC 8285 section 4.2)
	for _, e := range info.RTPHeaderExtensions {
		if e.URI == sdp.TransportCCURI {
			id = uint8(e.ID) //nolint:gosec // one byte on the wire
		}
	}
	return interceptor.RTPWriterFunc(func(header *rtp.Header, payload []byte, a interceptor.Attributes) (int, error) {
		size := header.MarshalSize() + len(payload)
		if a.Get(uncharged{}) == nil && !m.pacer.Admit(header.SSRC, size) {
			return size, nil
		}
		if id != 0 {
			m.mu.Lock()
			number := m.departed.add(time.Now(), size)
			m.mu.Unlock()
			if err := header.SetExtension(id, numbers[number][:]); err != nil {
				return 0, err
			}
		}
		return next.Write(header, payload, a)
	})
}

// BindRTCPReader implements interceptor.Interceptor.
func (m *pathMeter) BindRTCPReader(next interceptor.RTCPReader) interceptor.RTCPReader {
	return overhear(next, func(feedback *rtcp.TransportLayerCC) { m.heed(feedback, time.Now()) })
}

func (m *pathMeter) heed(feedback *rtcp.TransportLayerCC, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if report, ok := m.departed.match(feedback); ok {
		report.at = now
		before := m.estimator.full
		m.estimator.take(report)
		if m.estimator.full && !before && m.filled != nil {
			m.filled()
		}
	}
}

// state tells what is known of the path.
func (m *pathMeter) state(now time.Time) pathState {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.estimator.state(now)
}
