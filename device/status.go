package device

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/device/uplink"
	"github.com/sightline-rtc/sightline/nat"
	"github.com/sightline-rtc/sightline/protocol"
)

// Status is how an agent is. It holds no secret.
type Status struct {
	Version string
	// Network is what the network allows, in words; empty while that is not known. MediaPort is 0 before Run.
	Network   string
	MediaPort uint16
	Cameras   []CameraStatus
}

// CameraStatus is how one camera is.
type CameraStatus struct {
	// ID is that of its configuration, Device that of the hub, empty before it has enrolled.
	ID     string
	Device protocol.DeviceID
	// Err is why the camera cannot be served, or has not enrolled yet; nil once it has.
	Err  error
	Link uplink.Status
	// Sources are its streams, the best first.
	Sources  []SourceStatus
	Sessions []SessionStatus
}

// SourceStatus is how one stream of a camera is.
type SourceStatus struct {
	source.FeedStatus
	// Format is that of the last picture; its Codec is empty before there was one.
	Codec         string
	Width, Height int
}

// SessionStatus is one viewer's.
type SessionStatus struct {
	Session protocol.SessionID
	Since   time.Time
	// Path is how the media goes; its Kind is empty while that is not decided.
	Path protocol.Path
	// Stats are the last ones that were told; zero before the first.
	Stats protocol.Stats
}

// Status tells how the agent is. It is safe for concurrent use.
func (a *Agent) Status() Status {
	s := Status{Version: a.config.Version}
	if port := a.port.Load(); port != nil {
		s.MediaPort = port.Number()
		if n := port.Network(); n != (protocol.Network{}) {
			s.Network = nat.KindOf(n).Words()
		}
	}
	for _, c := range a.cameras {
		s.Cameras = append(s.Cameras, c.status())
	}
	return s
}

// stuckAfter is how long whoever reads the media port may be at one packet.
const stuckAfter = 30 * time.Second

// Stuck says what in the agent does not go on although it should: a link, or the media port. It is nil while all goes on,
// also when no hub can be reached. It is safe for concurrent use.
func (a *Agent) Stuck() error {
	var errs []error
	if port := a.port.Load(); port != nil {
		if busy := port.Busy(); busy > stuckAfter {
			errs = append(errs, fmt.Errorf("the media port was read %s ago for the last time", busy.Round(time.Second)))
		}
	}
	for _, c := range a.cameras {
		if up := c.live().up; up != nil {
			if err := up.Stuck(); err != nil {
				errs = append(errs, c.config.blame(err))
			}
		}
	}
	return errors.Join(errs...)
}

func (c *camera) status() CameraStatus {
	now := c.live()
	s := CameraStatus{ID: c.config.ID, Device: now.device, Err: now.err}
	streams := c.source.Media().Renditions
	for n, feed := range c.source.Renditions() {
		stream := SourceStatus{FeedStatus: feed}
		if f, ok := streams[n].Stream.LastFormat(); ok {
			stream.Codec, stream.Width, stream.Height = string(f.Codec), f.Width, f.Height
		}
		s.Sources = append(s.Sources, stream)
	}
	if now.up != nil {
		s.Link = now.up.Status()
		s.Sessions = now.viewings.status()
	}
	return s
}

// status tells how the sessions are, the oldest first.
func (v *viewings) status() []SessionStatus {
	var all []SessionStatus
	for _, w := range v.list() {
		all = append(all, w.status())
	}
	slices.SortFunc(all, func(a, b SessionStatus) int { return a.Since.Compare(b.Since) })
	return all
}

func (w *viewing) status() SessionStatus {
	w.mu.Lock()
	defer w.mu.Unlock()
	return SessionStatus{Session: w.id, Since: w.since, Path: w.path, Stats: w.stats}
}
