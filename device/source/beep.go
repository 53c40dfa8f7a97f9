package source

import (
	"math"
	"time"
)

// The beep: 20 ms frames as telephones send them, and a quiet tone of 1 kHz for the first 60 ms of each second.
const (
	beepRate   = 8000
	beepFrame  = 20 * time.Millisecond
	beepLength = 60 * time.Millisecond
	beepHertz  = 1000
	// beepLevel is the amplitude of 32767, some -24 dB.
	beepLevel = 2000
)

// beeper makes G.711 µ-law: two frames are enough, since the tone's period divides theirs.
type beeper struct{ tone, silence []byte }

func newBeeper() beeper {
	n := int(beepRate * beepFrame / time.Second)
	b := beeper{make([]byte, n), make([]byte, n)}
	for i := range n {
		b.tone[i] = muLaw(int(beepLevel * math.Sin(2*math.Pi*beepHertz*float64(i)/beepRate)))
		b.silence[i] = muLaw(0)
	}
	return b
}

// frame returns the sound of the 20 ms that begin at now.
func (b beeper) frame(now time.Time) []byte {
	if time.Duration(now.Nanosecond()) < beepLength {
		return b.tone
	}
	return b.silence
}

// muLaw encodes a linear sample of 16 bits (ITU-T G.711 table 2).
func muLaw(sample int) byte {
	const bias, clip = 0x84, 32635
	sign := byte(0)
	if sample < 0 {
		sign, sample = 0x80, -sample
	}
	sample = min(sample, clip) + bias
	exponent := byte(7)
	for mask := 0x4000; exponent > 0 && sample&mask == 0; mask >>= 1 {
		exponent--
	}
	mantissa := byte(sample>>(exponent+3)) & 0x0f
	return ^(sign | exponent<<4 | mantissa)
}
