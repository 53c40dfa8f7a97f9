package device

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/protocol"
)

// sourceCheckTime is how long a source may take to its first picture.
const sourceCheckTime = 15 * time.Second

// about names a check of the camera.
func (c *camera) about(what string) string {
	if c.config.ID == "" {
		return what
	}
	return c.config.ID + " " + what
}

func (c *camera) checkIdentity(context.Context) (string, error) {
	id, known, err := c.state.identity()
	switch {
	case err != nil:
		return "", err
	case known:
		if _, err := c.state.key(); err != nil {
			return "", err
		}
		return fmt.Sprintf("device %s of project %s", id.Device, id.Project), nil
	case c.config.Enrol.Reveal() == "":
		return "", errors.New("not enrolled: start the agent once with --enroll CODE")
	}
	if _, err := auth.ParseCode(c.config.Enrol.Reveal()); err != nil {
		return "", errors.New(protocol.AsError(err).Message)
	}
	return "not enrolled yet; the code has the right form", nil
}

// checkSource waits for the first picture of each stream of the camera.
func (c *camera) checkSource(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceCheckTime)
	defer cancel()
	streams := c.source.Media()
	release := streams.Hold()
	defer release()
	running, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return c.source.Run(running) })
	var words []string
	var errs []error
	for i, r := range streams.Renditions {
		name := ""
		if len(streams.Renditions) > 1 {
			name = string(r.Name) + ": "
		}
		format, err := r.Stream.Format(ctx)
		if err != nil {
			if status := c.source.Renditions()[i]; status.Err != nil {
				err = status.Err
			}
			errs = append(errs, fmt.Errorf("%sno picture came within %s: %w", name, sourceCheckTime, err))
			continue
		}
		said := fmt.Sprintf("%s%s %dx%d", name, format.Codec, format.Width, format.Height)
		if sound, ok := r.Stream.Audio(); ok {
			said += " with sound (" + sound.Codec.String() + ")"
		}
		words = append(words, said)
	}
	abilities := c.source.Abilities()
	stop()
	if err := group.Wait(); err != nil || len(errs) > 0 {
		return "", errors.Join(append(errs, err)...)
	}
	return strings.Join(append(words, also(abilities)...), "; "), nil
}

// also puts what a camera can do besides into words.
func also(a source.Abilities) (words []string) {
	for _, can := range []struct {
		able bool
		what string
	}{{a.Talk, "viewers can talk"}, {a.PTZ, "it can be moved"}, {a.Snapshot, "it makes still pictures"}} {
		if can.able {
			words = append(words, can.what)
		}
	}
	for _, note := range a.Notes {
		words = append(words, note.Message)
	}
	return words
}
