package source

import (
	"time"
	"unicode/utf8"
)

// clockFormat shows UTC to the millisecond, so that a photograph of two screens tells the delay between them.
const clockFormat = "15:04:05.000"

// Sizes of a test card: the least holds the clock in small letters, the largest is Full HD.
const (
	minCardWidth, minCardHeight = 224, 128
	maxCardWidth, maxCardHeight = 1920, 1080
)

// card is the test picture: colour bars, the name of the device, a large clock, a mark that moves along, and the clock
// once more for machines along the upper edge (clockCode says how).
type card struct {
	encoder
	fps      int
	sps, pps []byte
	bars     []*macroblock
	mark     *macroblock
	clock    *letters
	code     clockCode
	// clockX, clockY and markY are in macroblocks; markX is where the mark was drawn last.
	clockX, clockY, markX, markY int
}

// newCard draws what does not move.
func newCard(width, height, fps int, name string) *card {
	c := &card{encoder: encoder{canvas: newCanvas(width, height)}, fps: fps, mark: plain(white)}
	c.sps, c.pps = c.parameterSets(fps)
	columns, rows := c.canvas.columns, c.canvas.rows
	var colours [8]*macroblock
	for i, b := range bars {
		colours[i] = plain(b)
	}
	c.bars = make([]*macroblock, columns)
	for x := range columns {
		c.bars[x] = colours[x*len(bars)/columns]
		for y := range rows {
			c.canvas.set(x, y, c.bars[x])
		}
	}
	scale := 1
	if columns >= 2*len(clockFormat)+2 && rows >= 10 {
		scale = 2
	}
	c.clock = newLetters(scale)
	c.code = newClockCode()
	c.code.drawRuler(c.canvas)
	c.encoder.ruler = c.code[:]
	c.clockX, c.clockY = (columns-scale*len(clockFormat))/2, rows/2-scale/2
	c.markY = c.clockY + scale + 1
	c.label(name)
	return c
}

// label writes the name above the clock.
func (c *card) label(name string) {
	ascii := make([]byte, 0, len(name))
	for _, r := range name {
		if r >= utf8.RuneSelf {
			r = '?'
		}
		ascii = append(ascii, byte(r))
	}
	ascii = ascii[:min(len(ascii), c.canvas.columns-2)]
	newLetters(1).write(c.canvas, (c.canvas.columns-len(ascii))/2, max(c.clockY-2, 0), string(ascii))
}

// frame draws and encodes picture n, which shows the time now. It returns NAL units.
func (c *card) frame(n int, now time.Time, key bool) [][]byte {
	c.draw(n, now)
	if key {
		return [][]byte{c.sps, c.pps, c.idr()}
	}
	return [][]byte{c.p()}
}

// draw draws what moves.
func (c *card) draw(n int, now time.Time) {
	c.clock.write(c.canvas, c.clockX, c.clockY, now.UTC().Format(clockFormat))
	c.code.draw(c.canvas, now)
	c.canvas.set(c.markX, c.markY, c.bars[c.markX])
	c.markX = n % c.canvas.columns
	c.canvas.set(c.markX, c.markY, c.mark)
}
