package source

import "slices"

// macroblock holds the samples of 16x16 pixels in 4:2:0 as I_PCM carries them: luma, then Cb, then Cr.
type macroblock [16*16 + 2*8*8]byte

// colour is Y, Cb, Cr in the studio range of BT.601.
type colour [3]byte

var (
	black = colour{16, 128, 128}
	white = colour{235, 128, 128}
	// bars are the colours of a test card at 75 %: grey, yellow, cyan, green, magenta, red, blue, black.
	bars = [8]colour{
		{180, 128, 128},
		{162, 44, 142},
		{131, 156, 44},
		{112, 72, 58},
		{84, 184, 198},
		{65, 100, 212},
		{35, 212, 114},
		{16, 128, 128},
	}
)

// plain returns a macroblock of one colour. All macroblocks are shared and never changed.
func plain(c colour) *macroblock {
	var m macroblock
	for i := range 256 {
		m[i] = c[0]
	}
	for i := 256; i < 320; i++ {
		m[i], m[i+64] = c[1], c[2]
	}
	return &m
}

// repeatsRow reports whether the lowest line of above, drawn 16 times, is m.
func repeatsRow(above, m *macroblock) bool {
	for y := range 16 {
		if [16]byte(m[16*y:]) != [16]byte(above[240:]) {
			return false
		}
	}
	for y := range 8 {
		if [8]byte(m[256+8*y:]) != [8]byte(above[312:]) || [8]byte(m[320+8*y:]) != [8]byte(above[376:]) {
			return false
		}
	}
	return true
}

// repeatsColumn reports whether the last column of left, drawn 16 times, is m.
func repeatsColumn(left, m *macroblock) bool {
	for i := range 256 {
		if m[i] != left[i|15] {
			return false
		}
	}
	for i := 256; i < len(m); i++ {
		if m[i] != left[i|7] {
			return false
		}
	}
	return true
}

// canvas is the picture that the encoder writes, in macroblocks from left to right and top to bottom.
type canvas struct {
	width, height int
	columns, rows int
	blocks        []*macroblock
	// changed lists the blocks that were set since the last picture, perhaps twice.
	changed []int
	taken   []int
}

func newCanvas(width, height int) *canvas {
	c := &canvas{width: width, height: height, columns: (width + 15) / 16, rows: (height + 15) / 16}
	c.blocks = make([]*macroblock, c.columns*c.rows)
	return c
}

// set puts a macroblock where x and y say, in macroblocks. Setting what is there already changes nothing.
func (c *canvas) set(x, y int, m *macroblock) {
	at := y*c.columns + x
	if c.blocks[at] != m {
		c.blocks[at] = m
		c.changed = append(c.changed, at)
	}
}

// takeChanged returns the changed blocks in order, until it is called again.
func (c *canvas) takeChanged() []int {
	slices.Sort(c.changed)
	c.taken = append(c.taken[:0], slices.Compact(c.changed)...)
	c.changed = c.changed[:0]
	return c.taken
}
