package signal

import (
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxChanges bounds what is kept of a session's paths; of more, those after the first keptFirst go.
	maxChanges = 32
	keptFirst  = 8
	// settleTime is how long a direct path that only one end tells of, to a candidate that it was never told, may turn out
	// to be the other end's relay. The other end tells of the same pair a round trip sooner or later.
	settleTime = 2 * time.Second
	// upgradeTime is how long a session must have been on the relay for a direct path that follows to be beyond plain ICE,
	// which gives its pairs up after a few seconds.
	upgradeTime = 5 * time.Second
	// longestWait bounds how long after its open an end may say that it had a path: the longest life of a viewer's token.
	longestWait = 24 * time.Hour
)

// book keeps a session's account. Hub.mu guards it.
type book struct{ *record.Account }

func (s *session) book() book { return book{&s.row.Account} }

func (b book) endOf(role protocol.Role) *record.End {
	if role == protocol.RoleDevice {
		return &b.Device
	}
	return &b.Viewer
}

// tell takes what an end says of its path, created after which its session was. It reports whether that is worth keeping
// at once.
func (b book) tell(by protocol.Role, path protocol.Path, created, now time.Time) bool {
	now = now.UTC()
	if path.Kind == protocol.PathRelay {
		path.Means = protocol.MeansRelay
	} else if path.Means == protocol.MeansRelay || path.Means == "" {
		path.Means = protocol.MeansICE // an end that knows no better
	}
	path.Pairs = max(0, path.Pairs)
	after := now.Sub(created)
	if path.AfterMS > 0 {
		after = time.Duration(min(path.AfterMS, longestWait.Milliseconds())) * time.Millisecond
	}
	path.AfterMS = max(1, after.Milliseconds())

	b.alive(now)
	end := b.endOf(by)
	same := samePair(end.Path, path)
	if end.First == 0 {
		end.First = time.Duration(path.AfterMS) * time.Millisecond
	}
	if end.Direct == 0 && path.Kind == protocol.PathDirect {
		end.Direct = time.Duration(path.AfterMS) * time.Millisecond
	}
	end.Path = path
	if same {
		return false
	}
	end.Told = now
	number := b.Numbered
	b.merge(now)
	change := record.PathChange{At: now, By: by, Path: path, Kind: b.Kind, Means: b.Means}
	if b.Numbered != number {
		change.Number = b.Numbered
	}
	b.Changes = append(b.Changes, change)
	if len(b.Changes) > maxChanges {
		b.Changes = slices.Delete(b.Changes, keptFirst, keptFirst+1)
		b.Omitted++
	}
	return true
}

// samePair reports whether two words of one end are of the same path, whatever it has measured.
func samePair(a, b protocol.Path) bool {
	return a.Kind == b.Kind && a.Means == b.Means && a.Local == b.Local && a.Remote == b.Remote && a.Protocol == b.Protocol
}

// together is how the media goes as both ends see it; ok is false while that is not known.
func (b book) together(now time.Time) (kind protocol.PathKind, means protocol.Means, since time.Time, ok bool) {
	device, viewer := b.Device, b.Viewer
	if device.Path.Kind != "" && viewer.Path.Kind != "" {
		means = device.Path.Means.Over(viewer.Path.Means)
		since = now
	} else {
		only := device
		if device.Path.Kind == "" {
			only = viewer
		}
		guess := only.Path.Kind == protocol.PathDirect && only.Path.Remote == "prflx"
		if only.Path.Kind == "" || guess && now.Sub(only.Told) < settleTime {
			return "", "", time.Time{}, false
		}
		means, since = only.Path.Means, only.Told
	}
	kind = protocol.PathDirect
	if means == protocol.MeansRelay {
		kind = protocol.PathRelay
	}
	return kind, record.KnownMeans(means), since, true
}

// merge brings the path of both to what the ends have told. Time is counted up to now already.
func (b book) merge(now time.Time) {
	kind, means, since, ok := b.together(now)
	if !ok || kind == b.Kind && means == b.Means {
		return
	}
	if b.Kind == "" {
		b.Until = since
		b.Tallied = &record.Tally{Day: record.DayOf(since)}
	}
	switch {
	case kind == protocol.PathDirect:
		b.Upgraded = b.Upgraded || !b.Direct && !b.Relayed.IsZero() && now.Sub(b.Relayed) >= upgradeTime
		b.Direct, b.Relayed = true, time.Time{}
	case b.Relayed.IsZero():
		b.Relayed = since
	}
	b.Kind, b.Means = kind, means
	b.Numbered++
	b.Tallied = &record.Tally{Day: b.Tallied.Day, Means: means}
}

// settle takes the word of one end for the path where the other has not told in time. It reports whether it did.
func (b book) settle(now time.Time) bool {
	number := b.Numbered
	b.merge(now.UTC())
	if b.Numbered == number {
		return false
	}
	last := &b.Changes[len(b.Changes)-1]
	last.Kind, last.Means, last.Number = b.Kind, b.Means, b.Numbered
	return true
}

// path is how the media goes, the rest of it as the viewer tells, or the device where only that has told.
func (b book) path() protocol.Path {
	if b.Kind == "" {
		return protocol.Path{}
	}
	path := b.Viewer.Path
	if path.Kind == "" {
		path = b.Device.Path
	}
	path.Kind, path.Means = b.Kind, b.Means
	return path
}
