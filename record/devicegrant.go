package record

import (
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// DeviceGrant shares a device with another project. There is at most one that lives for a device and a project.
type DeviceGrant struct {
	ID     string
	Device protocol.DeviceID
	// Owner is the device's project, Viewer the one that may look.
	Owner, Viewer protocol.ProjectID
	// Rights bound those of the viewer's tokens.
	Rights []protocol.Right
	// Pays says whose relay budget sessions use; it is never empty.
	Pays    Payer
	Created time.Time
	// Expires is when the grant ends by itself; zero is never.
	Expires time.Time
	// Ended is when one of the two sides ended it, and EndedBy which; zero and empty while none has.
	Ended   time.Time
	EndedBy protocol.ProjectID
}

// SharedDevice is a device of another project, and the grant by which a project may look at it.
type SharedDevice struct {
	Device Device
	Grant  DeviceGrant
}

// Payer is the side of a device grant that pays for the relay.
type Payer string

// The sides of a device grant.
const (
	PayerOwner  Payer = "owner"
	PayerViewer Payer = "viewer"
)

// Payer returns the project that pays for the relay.
func (g *DeviceGrant) Payer() protocol.ProjectID {
	if g.Pays == PayerOwner {
		return g.Owner
	}
	return g.Viewer
}

// Alive reports whether the grant holds.
func (g *DeviceGrant) Alive(now time.Time) bool {
	return g.Ended.IsZero() && (g.Expires.IsZero() || now.Before(g.Expires))
}

// Within returns those of some rights that the grant has.
func (g *DeviceGrant) Within(rights []protocol.Right) []protocol.Right {
	within := make([]protocol.Right, 0, len(rights))
	for _, r := range rights {
		if slices.Contains(g.Rights, r) {
			within = append(within, r)
		}
	}
	return within
}
