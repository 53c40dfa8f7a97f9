package source

import "time"

// The clock code is the test card's clock for machines: it stands in the first row of macroblocks, 16 pixels high, from the
// left edge of the picture. Each macroblock is two cells of 8x16 pixels, black for 0 and white for 1, the more significant
// one left. The first four macroblocks are the ruler and always read 00 01 10 11: they tell where the code is and what
// black and white are after scaling. The ten that follow hold 20 bits, the most significant first: the milliseconds of UTC
// since 1970 at which the picture was drawn, modulo 2^20 (17 minutes and 28 seconds).
const (
	rulerBlocks = 4
	codeBlocks  = 10
)

// clockCode draws the clock code. The ruler is also what the encoder copies the code from.
type clockCode [rulerBlocks]*macroblock

func newClockCode() clockCode {
	var code clockCode
	for bits := range code {
		code[bits] = plain(black)
		for i := range 256 {
			if left := i%16 < 8; left && bits&2 != 0 || !left && bits&1 != 0 {
				code[bits][i] = white[0]
			}
		}
	}
	return code
}

// drawRuler draws what does not move.
func (k clockCode) drawRuler(c *canvas) {
	for x, block := range k {
		c.set(x, 0, block)
	}
}

// draw writes the time.
func (k clockCode) draw(c *canvas, now time.Time) {
	bits := now.UnixMilli()
	for x := rulerBlocks + codeBlocks - 1; x >= rulerBlocks; x-- {
		c.set(x, 0, k[bits&3])
		bits >>= 2
	}
}
