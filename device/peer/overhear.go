package peer

import (
	"github.com/pion/interceptor"
	"github.com/pion/rtcp"
)

// overhear tells of each RTCP packet of one type that passes on its way in. It is decoded once for all that overhear.
func overhear[P rtcp.Packet](next interceptor.RTCPReader, told func(P)) interceptor.RTCPReader {
	return interceptor.RTCPReaderFunc(func(b []byte, a interceptor.Attributes) (int, interceptor.Attributes, error) {
		n, a, err := next.Read(b, a)
		if err != nil {
			return 0, nil, err
		}
		if a == nil {
			a = make(interceptor.Attributes)
		}
		packets, err := a.GetRTCPPackets(b[:n])
		if err != nil {
			return 0, nil, err
		}
		for _, p := range packets {
			if heard, ok := p.(P); ok {
				told(heard)
			}
		}
		return n, a, nil
	})
}
