package media

import "time"

// The meter looks back over two seconds, a common distance of keyframes, in slots of a quarter.
const (
	meterSlots = 8
	meterSlot  = 250 * time.Millisecond
)

// meter measures the rate of a stream over the last seconds.
type meter struct {
	bytes [meterSlots]int
	// slot is the number of the present slot since first.
	slot  int64
	first time.Time
}

func (m *meter) add(now time.Time, n int) {
	if m.first.IsZero() {
		m.first = now
	}
	m.turn(now)
	m.bytes[m.slot%meterSlots] += n
}

// turn clears the slots that have passed.
func (m *meter) turn(now time.Time) {
	slot := int64(now.Sub(m.first) / meterSlot)
	for passed := min(slot-m.slot, meterSlots); passed > 0; passed-- {
		m.bytes[(slot-passed+1)%meterSlots] = 0
	}
	m.slot = max(m.slot, slot)
}

// rate returns bits per second. A stream younger than a second counts as one second old, since a keyframe alone says
// nothing.
func (m *meter) rate(now time.Time) int {
	if m.first.IsZero() {
		return 0
	}
	m.turn(now)
	sum := 0
	for _, n := range m.bytes {
		sum += n
	}
	window := min(max(now.Sub(m.first), time.Second), meterSlots*meterSlot)
	return int(float64(sum*8) / window.Seconds())
}
