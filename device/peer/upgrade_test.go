package peer

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/pion/transport/v4/vnet"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// condition is what a network does to packets: it delays them, and loses so many of a hundred.
type condition struct {
	rtt  time.Duration
	loss int
}

var (
	near = []condition{{30 * time.Millisecond, 0}, {30 * time.Millisecond, 5}}
	far  = []condition{{150 * time.Millisecond, 5}}
)

func under(t *testing.T, conditions []condition, device, viewer vnet.NATType, test func(t *testing.T, s *scene)) {
	t.Helper()
	for _, c := range conditions {
		t.Run(fmt.Sprintf("%v and %d percent lost", c.rtt, c.loss), func(t *testing.T) {
			t.Parallel()
			test(t, newScene(t, c.rtt/2, c.loss, device, viewer))
		})
	}
}

func TestRelayedSessionGoesDirectWhenCandidatesComeLate(t *testing.T) {
	under(t, slices.Concat(near, far), portRestricted, portRestricted, func(t *testing.T, s *scene) {
		v := s.browser(true)
		v.hold = func(line string) bool { return !strings.Contains(line, "typ relay") }
		session := open(t, s.host(), v)
		session.mustOffer(nil)
		v.sees(webrtc.RTPCodecTypeVideo, 50)
		session.until("a relay path", func() bool { return session.last().Kind == protocol.PathRelay })
		v.release()
		session.until("the direct path", func() bool { return session.last().Kind == protocol.PathDirect })
		v.sees(webrtc.RTPCodecTypeVideo, 50)
		_, describes, closed := session.told()
		if got := len(describes); got != 1 {
			t.Errorf("descriptions: got %d, want the one answer and no restart", got)
		}
		if len(closed) > 0 {
			t.Errorf("closed: got %v, want a session that goes on", closed)
		}
	})
}

func TestViewerWhoseNATCountsIsReachedByPrediction(t *testing.T) {
	under(t, slices.Concat(near, far), portRestricted, symmetric, func(t *testing.T, s *scene) {
		v := s.browser(false)
		session := open(t, s.host(), v)
		session.mustOffer(nil)
		v.sees(webrtc.RTPCodecTypeVideo, 50)
		session.until("a path", func() bool { return session.last().Kind != "" })
		if got, _, _ := session.told(); got.Kind != protocol.PathDirect || got.Means != protocol.MeansPredicted {
			t.Errorf("path: got %+v, want a direct one by prediction", got)
		}
	})
}

func TestDeviceWhoseNATCountsSignalsItsNextPorts(t *testing.T) {
	// Far away the media port gets no answer in the time that a prediction may take.
	under(t, near, symmetric, portRestricted, func(t *testing.T, s *scene) {
		v := s.browser(false)
		session := open(t, s.host(), v)
		session.mustOffer(nil)
		v.sees(webrtc.RTPCodecTypeVideo, 50)
		_, describes, _ := session.told()
		predictions := 0
		for _, o := range describes[0].Origins {
			if o.Means == protocol.MeansPredicted {
				predictions++
			}
		}
		if predictions == 0 {
			t.Errorf("origins: got %v, want predicted ports", describes[0].Origins)
		}
	})
}
