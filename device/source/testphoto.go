package source

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/jpeg"
	"time"
)

// photoQuality is where the edges of letters stay clean; a card of 1280x720 takes some 60 KB.
const photoQuality = 85

// Snapshot returns the card of the present moment as JPEG.
func (s *testSource) Snapshot(context.Context) ([]byte, error) {
	now := time.Now()
	card := newCard(s.width, s.height, s.fps, s.name)
	card.draw(now.Nanosecond()/int(time.Second/time.Duration(s.fps)), now)
	var out bytes.Buffer
	if err := jpeg.Encode(&out, card.canvas.image(), &jpeg.Options{Quality: photoQuality}); err != nil {
		return nil, fmt.Errorf("source test: make a snapshot: %w", err)
	}
	return out.Bytes(), nil
}

// image returns what is drawn. JPEG has the full range of levels, the canvas that of video: 16 to 235 and 16 to 240.
func (c *canvas) image() image.Image {
	full := image.NewYCbCr(image.Rect(0, 0, 16*c.columns, 16*c.rows), image.YCbCrSubsampleRatio420)
	for at, block := range c.blocks {
		x, y := at%c.columns, at/c.columns
		for line := range 16 {
			for i, v := range block[16*line : 16*line+16] {
				full.Y[(16*y+line)*full.YStride+16*x+i] = stretch(v, 16, 219)
			}
		}
		for line := range 8 {
			to := (8*y+line)*full.CStride + 8*x
			for i := range 8 {
				full.Cb[to+i] = stretch(block[256+8*line+i], 128, 224)
				full.Cr[to+i] = stretch(block[320+8*line+i], 128, 224)
			}
		}
	}
	return full.SubImage(image.Rect(0, 0, c.width, c.height))
}

// stretch turns a level of video, whose zero and range are given, into one of JPEG (ITU-R BT.601, JFIF).
func stretch(v byte, zero, span int) byte {
	base := 0
	if zero == 128 {
		base = 128
	}
	return byte(min(max(base+(int(v)-zero)*255/span, 0), 255))
}
