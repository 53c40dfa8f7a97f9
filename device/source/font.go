package source

// glyphs is a font of 5x7 dots: seven lines from the top, the left dot in bit 4.
var glyphs = map[byte][7]byte{
	'0': {14, 17, 19, 21, 25, 17, 14}, '1': {4, 12, 4, 4, 4, 4, 14}, '2': {14, 17, 1, 6, 8, 16, 31},
	'3': {31, 2, 4, 2, 1, 17, 14}, '4': {2, 6, 10, 18, 31, 2, 2}, '5': {31, 16, 30, 1, 1, 17, 14},
	'6': {6, 8, 16, 30, 17, 17, 14}, '7': {31, 1, 2, 4, 8, 8, 8}, '8': {14, 17, 17, 14, 17, 17, 14},
	'9': {14, 17, 17, 15, 1, 2, 12}, ':': {0, 12, 12, 0, 12, 12, 0}, '.': {0, 0, 0, 0, 0, 12, 12},
	'-': {0, 0, 0, 31, 0, 0, 0}, '_': {0, 0, 0, 0, 0, 0, 31}, '/': {1, 1, 2, 4, 8, 16, 16},
	'?': {14, 17, 1, 2, 4, 0, 4},
	'A': {14, 17, 17, 31, 17, 17, 17}, 'B': {30, 17, 17, 30, 17, 17, 30}, 'C': {14, 17, 16, 16, 16, 17, 14},
	'D': {30, 17, 17, 17, 17, 17, 30}, 'E': {31, 16, 16, 30, 16, 16, 31}, 'F': {31, 16, 16, 30, 16, 16, 16},
	'G': {14, 17, 16, 23, 17, 17, 15}, 'H': {17, 17, 17, 31, 17, 17, 17}, 'I': {14, 4, 4, 4, 4, 4, 14},
	'J': {7, 2, 2, 2, 2, 18, 12}, 'K': {17, 18, 20, 24, 20, 18, 17}, 'L': {16, 16, 16, 16, 16, 16, 31},
	'M': {17, 27, 21, 21, 17, 17, 17}, 'N': {17, 25, 21, 19, 17, 17, 17}, 'O': {14, 17, 17, 17, 17, 17, 14},
	'P': {30, 17, 17, 30, 16, 16, 16}, 'Q': {14, 17, 17, 17, 21, 18, 13}, 'R': {30, 17, 17, 30, 20, 18, 17},
	'S': {15, 16, 16, 14, 1, 1, 30}, 'T': {31, 4, 4, 4, 4, 4, 4}, 'U': {17, 17, 17, 17, 17, 17, 14},
	'V': {17, 17, 17, 17, 17, 10, 4}, 'W': {17, 17, 17, 21, 21, 27, 17}, 'X': {17, 17, 10, 4, 10, 17, 17},
	'Y': {17, 17, 10, 4, 4, 4, 4}, 'Z': {31, 1, 2, 4, 8, 16, 31}, ' ': {},
}

// letters draws text, white on black, and remembers the macroblocks of each letter.
type letters struct {
	// scale is how many macroblocks a letter is wide and high.
	scale int
	drawn map[byte][]*macroblock
}

func newLetters(scale int) *letters {
	return &letters{scale: scale, drawn: make(map[byte][]*macroblock)}
}

// write draws text with its upper left corner at the macroblock x, y. Lower case becomes upper case; what the font
// does not have becomes a question mark.
func (l *letters) write(c *canvas, x, y int, text string) {
	for i := range len(text) {
		for n, m := range l.glyph(text[i]) {
			c.set(x+i*l.scale+n%l.scale, y+n/l.scale, m)
		}
	}
}

func (l *letters) glyph(char byte) []*macroblock {
	if char >= 'a' && char <= 'z' {
		char -= 'a' - 'A'
	}
	dots, ok := glyphs[char]
	if !ok {
		char, dots = '?', glyphs['?']
	}
	blocks, ok := l.drawn[char]
	if !ok {
		blocks = l.draw(dots)
		l.drawn[char] = blocks
	}
	return blocks
}

// draw makes each dot as many pixels as leave a margin: 2 of 16 for one macroblock, 4 of 32 for two.
func (l *letters) draw(dots [7]byte) []*macroblock {
	size, dot := 16*l.scale, 2*l.scale
	left, top := (size-5*dot)/2, (size-7*dot)/2
	blocks := make([]*macroblock, l.scale*l.scale)
	for n := range blocks {
		m := plain(black)
		for i := range 256 {
			px, py := n%l.scale*16+i%16-left, n/l.scale*16+i/16-top
			if px >= 0 && py >= 0 && px < 5*dot && py < 7*dot && dots[py/dot]>>(4-px/dot)&1 == 1 {
				m[i] = white[0]
			}
		}
		blocks[n] = m
	}
	return blocks
}
