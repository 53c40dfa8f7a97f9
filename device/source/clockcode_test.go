package source

import (
	"testing"
	"time"
)

// readCode reads the clock code of a picture's luma as the comment at clockCode says.
func readCode(t *testing.T, luma []byte, width int) int64 {
	t.Helper()
	bits := int64(0)
	for cell := range 2 * (rulerBlocks + codeBlocks) {
		bits <<= 1
		if luma[8*width+8*cell+4] > 128 {
			bits |= 1
		}
	}
	if ruler := bits >> (2 * codeBlocks); ruler != 0b00011011 {
		t.Fatalf("the ruler reads %08b", ruler)
	}
	return bits & (1<<(2*codeBlocks) - 1)
}

// drawn returns the luma of what a card draws.
func drawn(c *canvas) []byte {
	luma := make([]byte, c.width*c.height)
	for i := range luma {
		x, y := i%c.width, i/c.width
		luma[i] = c.blocks[y/16*c.columns+x/16][y%16*16+x%16]
	}
	return luma
}

func TestClockCodeTellsTheTime(t *testing.T) {
	c := newCard(minCardWidth, minCardHeight, 30, "camera")
	for at := time.UnixMilli(1<<20*1700000 - 500); at.UnixMilli() < 1<<20*1700000+500; at = at.Add(33 * time.Millisecond) {
		c.frame(0, at, false)
		if got, want := readCode(t, drawn(c.canvas), minCardWidth), at.UnixMilli()%(1<<20); got != want {
			t.Fatalf("got %d, want %d", got, want)
		}
	}
}

// Two sources show one clock, so that a viewer that changes from one to the other sees it go on.
func TestTestSourcesOfOtherSizesShowTheSameTime(t *testing.T) {
	now := time.Now()
	main, sub := newCard(1280, 720, 30, ""), newCard(320, 180, 15, "")
	main.frame(7, now, true)
	sub.frame(3, now, false)
	got, want := readCode(t, drawn(sub.canvas), 320), readCode(t, drawn(main.canvas), 1280)
	if got != want {
		t.Errorf("the small one shows %d, the large one %d", got, want)
	}
}
