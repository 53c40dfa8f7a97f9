package source

import "strings"

// captionFPS is the declared rate of a caption: it changes once a second, and a browser is to see that it lives.
const captionFPS = 2

// caption is a dark picture with centred lines of text. It is encoded like the test card.
type caption struct {
	encoder
	sps, pps []byte
	letters  *letters
	// width is how many letters a line has, top where the first line is, in macroblocks.
	width, top int
}

// captionLines is how many lines captions have.
const captionLines = 2

// newCaption makes a caption of the given size, or of one that the encoder can make.
func newCaption(width, height int) *caption {
	width, height = captionSize(width, height)
	c := &caption{encoder: encoder{canvas: newCanvas(width, height)}}
	c.sps, c.pps = c.parameterSets(captionFPS)
	scale := 1
	if c.canvas.columns >= 2*captionLetters {
		scale = 2
	}
	c.letters = newLetters(scale)
	c.width = c.canvas.columns / scale
	c.top = max(0, (c.canvas.rows-scale*(2*captionLines-1))/2)
	ground := c.letters.glyph(' ')[0]
	for at := range c.canvas.blocks {
		c.canvas.blocks[at] = ground
	}
	return c
}

// captionLetters is what the longest line of the captions needs.
const captionLetters = 20

// captionSize returns a size that the encoder can make: the given one if it can.
func captionSize(width, height int) (int, int) {
	width, height = width&^1, height&^1
	if width < minCardWidth || height < minCardHeight || width*height > maxCardWidth*maxCardHeight {
		return 640, 360
	}
	return width, height
}

// frame writes the lines and returns the picture's NAL units.
func (c *caption) frame(key bool, lines [captionLines]string) [][]byte {
	scale := c.letters.scale
	for i, line := range lines {
		line = line[:min(len(line), c.width)]
		before := (c.width - len(line)) / 2
		line = strings.Repeat(" ", before) + line + strings.Repeat(" ", c.width-len(line)-before)
		c.letters.write(c.canvas, 0, c.top+2*scale*i, line)
	}
	if key {
		return [][]byte{c.sps, c.pps, c.idr()}
	}
	return [][]byte{c.p()}
}
