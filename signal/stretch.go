package signal

import (
	"math/bits"
	"slices"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	// maxStretches bounds the days and means of a session; of more, the oldest days are put together.
	maxStretches = 64
	// fastest is the most that a count of bytes may grow in a second, whatever an end says: 1 Gbit/s.
	fastest = 125_000_000
)

// alive counts the time up to a sign that media flows.
func (b book) alive(now time.Time) {
	now = now.UTC()
	if b.Kind == "" || !now.After(b.Until) {
		return
	}
	from := b.Until
	for left := now.Sub(b.Until); left > 0; {
		midnight := from.Truncate(24 * time.Hour).Add(24 * time.Hour) // in UTC, which from is in
		part := min(left, midnight.Sub(from))
		span := b.stretch(from)
		span.Time = part
		b.Stretches = addTo(b.Stretches, span)
		b.Uncounted = addTo(b.Uncounted, span)
		from = from.Add(part)
		left -= part
	}
	b.Until = now
	if len(b.Stretches) > maxStretches {
		b.Stretches = fold(b.Stretches)
	}
	if len(b.Uncounted) > maxStretches { // nobody has counted for weeks
		b.Uncounted[1].Time += b.Uncounted[0].Time
		b.Uncounted = b.Uncounted[1:]
	}
}

// stretch is one of the path that the session has, still empty.
func (b book) stretch(at time.Time) record.Stretch {
	beyond := b.Kind == protocol.PathDirect && (b.Upgraded || isBeyond(b.Means))
	return record.Stretch{Day: record.DayOf(at), Means: b.Means, Beyond: beyond}
}

// finish closes the account of a session that ends. Time counts up to a report after the last sign of media at most.
func (b book) finish(now time.Time) {
	now = now.UTC()
	b.settle(now.Add(settleTime)) // nobody will tell any more
	if b.Kind == "" {
		b.Tallied = &record.Tally{Day: record.DayOf(now)}
		return
	}
	if last := b.Until.Add(protocol.MediaReport); last.Before(now) {
		now = last
	}
	b.alive(now)
}

// isBeyond reports whether plain ICE finds no such path: docs/cost.md.
func isBeyond(m protocol.Means) bool {
	return m == protocol.MeansMapped || m == protocol.MeansPredicted || m == protocol.MeansTCP
}

// addTo adds a stretch to those of its day and means.
func addTo(list []record.Stretch, s record.Stretch) []record.Stretch {
	for i := range list {
		if l := &list[i]; l.Day == s.Day && l.Means == s.Means && l.Beyond == s.Beyond {
			l.Time += s.Time
			l.Bytes += s.Bytes
			return list
		}
	}
	return append(list, s)
}

// fold puts all but the newest day and the one before under an empty day. What they count has long been kept.
func fold(list []record.Stretch) []record.Stretch {
	var days []string
	for _, s := range list {
		if !slices.Contains(days, s.Day) {
			days = append(days, s.Day)
		}
	}
	slices.Sort(days)
	days = days[max(0, len(days)-2):]
	var folded []record.Stretch
	for _, s := range list {
		if !slices.Contains(days, s.Day) {
			s.Day = ""
		}
		folded = addTo(folded, s)
	}
	return folded
}

// count takes an end's count of the media. The device's is the one that counts, the viewer's where there is no other. What
// comes before a path is known comes again with the next count.
func (b book) count(by protocol.Role, bytes uint64) {
	if b.Kind == "" || bytes == 0 {
		return
	}
	end := b.endOf(by)
	known := end.Bytes
	end.Bytes = bytes
	more := bytes // of a counter that began anew
	switch {
	case by == protocol.RoleViewer && b.Device.Bytes != 0:
		return
	case by == protocol.RoleDevice && known == 0:
		more = bytes - min(bytes, b.Bytes) // the viewer's counted so far
	case bytes >= known:
		more = bytes - known
	}
	b.distribute(more)
}

// distribute adds bytes to the stretches since the last count, by their time.
func (b book) distribute(more uint64) {
	var total time.Duration
	for _, s := range b.Uncounted {
		total += s.Time
	}
	if total == 0 {
		b.Uncounted = []record.Stretch{b.stretch(b.Until)}
	}
	seconds := uint64((total + protocol.MediaReport) / time.Second) //nolint:gosec // it is positive
	more = min(more, seconds*fastest)
	left := more
	for i, s := range b.Uncounted {
		part := left
		if i < len(b.Uncounted)-1 { // so that total is not 0
			high, low := bits.Mul64(more, uint64(s.Time))  //nolint:gosec // it is positive
			part, _ = bits.Div64(high, low, uint64(total)) //nolint:gosec // it is positive
		}
		s.Time, s.Bytes = 0, part
		b.Stretches = addTo(b.Stretches, s)
		left -= part
	}
	b.Bytes += more
	b.Uncounted = nil
}
