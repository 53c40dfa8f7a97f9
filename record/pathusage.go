package record

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// PathUsage is how media went by one means, summed up over days or sessions.
type PathUsage struct {
	// Device and Day are empty where the sum is over all of them.
	Device protocol.DeviceID
	Day    string
	// Means is empty for sessions that never had a path.
	Means    protocol.Means
	Sessions int64
	// Time and Bytes are of the media, as its ends told them.
	Time  time.Duration
	Bytes uint64
	// BeyondTime and BeyondBytes are what plain ICE would have relayed of them.
	BeyondTime  time.Duration
	BeyondBytes uint64
	// RelayBytes is the relay's own count: payload of both directions.
	RelayBytes uint64
}

// PathGroup is what PathUsage is summed up over.
type PathGroup string

// The groups: everything, each day, each device.
const (
	GroupNone   PathGroup = "none"
	GroupDay    PathGroup = "day"
	GroupDevice PathGroup = "device"
)

// PathFilter chooses PathUsage: of one device or all, of the days From to To, both included and named as by DayOf.
type PathFilter struct {
	Device   protocol.DeviceID
	From, To string
	Group    PathGroup
}
