//go:build linux

package browser

import (
	"context"
	"fmt"
)

// Ages returns how old each of the next so many pictures is when it comes on the screen, in milliseconds, from the clock that
// the test picture shows. The clocks of browser and camera must be one.
func (p *Page) Ages(ctx context.Context, pictures int) (ages []float64, err error) {
	err = p.Evaluate(ctx, fmt.Sprintf("sightlineGlass.ages(%d)", pictures), &ages)
	return ages, err
}
