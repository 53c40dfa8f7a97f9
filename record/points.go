package record

import (
	"math"
	"math/bits"
	"time"
)

// Points are what the relay is paid with, in millionths, so that a byte has a price.
type Points int64

// Point is one point.
const Point Points = 1_000_000

// PointsOf returns so many points, to the nearest millionth.
func PointsOf(n float64) Points { return Points(math.Round(n * float64(Point))) }

// Float returns how many points they are; it is exact up to nine billion points.
func (p Points) Float() float64 { return float64(p) / float64(Point) }

// Tariff is what the relay costs. The zero value is that of DefaultTariff.
type Tariff struct {
	// PerMB is the price of a megabyte (10⁶ bytes) that the relay carried, PerMinute that of a minute of a session through it.
	PerMB, PerMinute Points
}

// DefaultTariff is a point for a megabyte, and nothing for the time.
var DefaultTariff = Tariff{PerMB: Point}

const bytesPerMB = 1_000_000

// Bytes returns the price of so many bytes, rounded down: what an allocation has cost is the price of all it carried.
func (t Tariff) Bytes(n uint64) Points { return share(n, t.PerMB, bytesPerMB) }

// Time returns the price of a time, rounded down.
func (t Tariff) Time(d time.Duration) Points {
	return share(uint64(max(0, d.Milliseconds())), t.PerMinute, uint64(time.Minute.Milliseconds()))
}

// Affords returns how many bytes the points pay; ok is false where bytes cost nothing.
func (t Tariff) Affords(p Points) (n uint64, ok bool) {
	if t.PerMB <= 0 {
		return 0, false
	}
	return uint64(share(uint64(max(0, p)), bytesPerMB, uint64(t.PerMB))), true
}

// share is n parts of a price, of which there are so many in all; more than there can be is as many as there can be.
func share(n uint64, price Points, parts uint64) Points {
	high, low := bits.Mul64(n, uint64(max(0, price)))
	if high >= parts {
		return math.MaxInt64
	}
	quotient, _ := bits.Div64(high, low, parts)
	return Points(min(quotient, math.MaxInt64))
}
