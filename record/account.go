package record

import (
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Account is how a session's media went, as far as its ends have told. What it counts only grows.
type Account struct {
	// Version grows with every change that is kept.
	Version int `json:"version,omitzero"`
	// Kind and Means are how the media goes, as both ends see it together; empty before that is known. Numbered counts
	// their changes.
	Kind     protocol.PathKind `json:"kind,omitzero"`
	Means    protocol.Means    `json:"means,omitzero"`
	Numbered int               `json:"numbered,omitzero"`
	// Changes are what the ends told of their paths, the oldest first; Omitted are gone from their middle, to bound them.
	Changes []PathChange `json:"changes,omitzero"`
	Omitted int          `json:"omitted,omitzero"`
	// Device and Viewer are what each end has told.
	Device End `json:"device,omitzero"`
	Viewer End `json:"viewer,omitzero"`
	// Policy is how the session may go.
	Policy protocol.PathPolicy `json:"policy,omitzero"`
	// Relayed is since when the session goes through a relay; zero while it does not.
	Relayed time.Time `json:"relayed,omitzero"`
	// Direct says that it has had a direct path, Upgraded that plain ICE would have stayed on the relay that came first.
	Direct   bool `json:"direct,omitzero"`
	Upgraded bool `json:"upgraded,omitzero"`
	// Until is up to when time is counted; zero before the first path.
	Until time.Time `json:"until,omitzero"`
	// Bytes is all that was counted of the media, in Stretches. The relay's own count is another: Session.Relayed.
	Bytes uint64 `json:"bytes,omitzero"`
	// Stretches are what was counted, for each day and means. Those of many days ago are together under an empty day.
	Stretches []Stretch `json:"stretches,omitzero"`
	// Uncounted is the time since the last count of bytes, which are spread over it.
	Uncounted []Stretch `json:"uncounted,omitzero"`
	// Tallied is where the session counts in its project's books; nil while it does not.
	Tallied *Tally `json:"tallied,omitzero"`
}

// End is what one end of a session has told.
type End struct {
	// Path is the newest, its Kind empty before the first, and Told since when.
	Path protocol.Path `json:"path,omitzero"`
	Told time.Time     `json:"told,omitzero"`
	// First and Direct are how long after its open or its invite the end had its first path, and its first direct one; 0
	// means not yet.
	First  time.Duration `json:"first,omitzero"`
	Direct time.Duration `json:"direct,omitzero"`
	// Bytes is the end's newest count of the media.
	Bytes uint64 `json:"bytes,omitzero"`
	// Quality is how the media went as the end sees it.
	Quality Quality `json:"quality,omitzero"`
	// Network is what is known of the network that it is in; nil is nothing.
	Network *protocol.Network `json:"network,omitzero"`
}

// PathChange is what one end told of its path, and how the media of both went from then on.
type PathChange struct {
	At   time.Time     `json:"at"`
	By   protocol.Role `json:"by"`
	Path protocol.Path `json:"path"`
	// Kind and Means are those of the Account after it.
	Kind  protocol.PathKind `json:"kind,omitzero"`
	Means protocol.Means    `json:"means,omitzero"`
	// Number is the Account's Numbered where this changed it, else 0.
	Number int `json:"number,omitzero"`
}

// Stretch is media that went by one means on one day.
type Stretch struct {
	// Day is as of DayOf.
	Day   string         `json:"day,omitzero"`
	Means protocol.Means `json:"means"`
	// Beyond says that plain ICE would have relayed it: docs/cost.md says when.
	Beyond bool          `json:"beyond,omitzero"`
	Time   time.Duration `json:"time,omitzero"`
	Bytes  uint64        `json:"bytes,omitzero"`
}

// Tally is where a session counts.
type Tally struct {
	// Day is that of its first path, or of its end where it never had any.
	Day string `json:"day"`
	// Means is that of its newest path; empty where it never had any.
	Means protocol.Means `json:"means,omitzero"`
}

// MeansOther stands in the books for all means that this version does not know.
const MeansOther protocol.Means = "other"

// Means lists the means that the books have.
var Means = []protocol.Means{
	protocol.MeansICE, protocol.MeansPredicted, protocol.MeansMapped, protocol.MeansIPv6, protocol.MeansTCP, MeansOther,
	protocol.MeansRelay,
}

// KnownMeans returns the means as the books have it.
func KnownMeans(m protocol.Means) protocol.Means {
	if slices.Contains(Means, m) {
		return m
	}
	return MeansOther
}

// DayOf names the day of a time, YYYY-MM-DD in UTC.
func DayOf(t time.Time) string { return t.UTC().Format(time.DateOnly) }

// Clone returns a copy that shares nothing which changes.
func (a *Account) Clone() Account {
	b := *a
	b.Changes, b.Stretches, b.Uncounted = slices.Clone(a.Changes), slices.Clone(a.Stretches), slices.Clone(a.Uncounted)
	return b
}

// FirstPath is how long the viewer waited for its first path, or the device where only it has told; 0 before that.
func (a *Account) FirstPath() time.Duration {
	if a.Numbered == 0 || a.Viewer.First != 0 {
		return a.Viewer.First
	}
	return a.Device.First
}

// DirectPath is the same of the first direct path; 0 where there was none.
func (a *Account) DirectPath() time.Duration {
	switch {
	case !a.Direct:
		return 0
	case a.Viewer.Direct != 0:
		return a.Viewer.Direct
	}
	return a.Device.Direct
}

// On sums up what was counted on paths of one kind.
func (a *Account) On(kind protocol.PathKind) (t time.Duration, bytes uint64) {
	for _, s := range a.Stretches {
		if (s.Means == protocol.MeansRelay) == (kind == protocol.PathRelay) {
			t += s.Time
			bytes += s.Bytes
		}
	}
	return t, bytes
}

// Networks are those of the two ends, zero where nothing is known.
func (a *Account) Networks() (device, viewer protocol.Network) {
	if a.Device.Network != nil {
		device = *a.Device.Network
	}
	if a.Viewer.Network != nil {
		viewer = *a.Viewer.Network
	}
	return device, viewer
}
