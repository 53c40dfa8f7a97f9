package source

import (
	"bytes"
	"context"
	"errors"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Photographer makes still pictures of the scene.
type Photographer interface {
	// Snapshot returns a JPEG of at most protocol.MaxSnapshotBytes.
	Snapshot(context.Context) ([]byte, error)
}

const (
	// stillLife is how long a still picture is given to everybody who asks: as long as browsers may keep it.
	stillLife = 10 * time.Second
	// stillTimeout bounds the way to one: cameras take 0.2 to 2 s.
	stillTimeout = 5 * time.Second
)

// stills takes still pictures, one at a time, and remembers the last. It must not be copied; from is not changed once
// it is in use.
type stills struct {
	// from are the ways to one, the best first.
	from []Photographer

	// turn is held by the one that asks the camera, and guards all below. It is made by the first.
	once sync.Once
	turn chan struct{}
	jpeg []byte
	at   time.Time
}

// able reports whether there is a way to one, as far as is known by now.
func (s *stills) able() bool {
	for _, p := range s.from {
		if f, ok := p.(fitful); !ok || f.Photographs() {
			return true
		}
	}
	return false
}

// Snapshot returns a JPEG of the scene, at most 10 s old and of at most protocol.MaxSnapshotBytes; it must not be
// changed. It fails with CodeNotFound when the camera makes none. The sources need not be open.
func (c *Camera) Snapshot(ctx context.Context) ([]byte, error) { return c.stills.get(ctx) }

func (s *stills) get(ctx context.Context) ([]byte, error) {
	if !s.able() {
		return nil, protocol.Errorf(protocol.CodeNotFound, "the camera makes no still pictures")
	}
	s.once.Do(func() { s.turn = make(chan struct{}, 1) })
	select {
	case s.turn <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	defer func() { <-s.turn }()
	if s.jpeg != nil && time.Since(s.at) < stillLife {
		return s.jpeg, nil
	}
	jpeg, err := s.take(ctx)
	if err != nil {
		return nil, err
	}
	s.jpeg, s.at = jpeg, time.Now()
	return jpeg, nil
}

// take tries one way after the other.
func (s *stills) take(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, stillTimeout)
	defer cancel()
	var errs []error
	for _, p := range s.from {
		jpeg, err := p.Snapshot(ctx)
		if err == nil {
			err = checkJPEG(jpeg)
		}
		if err == nil {
			return jpeg, nil
		}
		errs = append(errs, err)
	}
	return nil, errors.Join(errs...)
}

// checkJPEG looks at the size and at the first marker, SOI (ITU-T T.81 table B.1).
func checkJPEG(b []byte) error {
	if len(b) > protocol.MaxSnapshotBytes {
		return protocol.Errorf(protocol.CodeTooLarge, "the still picture has more than %d bytes", protocol.MaxSnapshotBytes)
	}
	if !bytes.HasPrefix(b, []byte{0xff, 0xd8, 0xff}) {
		return errors.New("the still picture is no JPEG")
	}
	return nil
}
