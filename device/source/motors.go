package source

import (
	"context"
	"log/slog"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Mover is what moves a camera.
type Mover interface {
	// Move sets the speeds of the motors; all zero stops them.
	Move(context.Context, protocol.PTZ) error
}

const (
	// deadMan is after how long without a word the motors are stopped: viewers repeat theirs every 300 ms.
	deadMan = time.Second
	// moveTimeout bounds one command; cameras take up to 0.5 s for one.
	moveTimeout = 3 * time.Second
	// maxStops is how often stopping is tried when the camera does not answer.
	maxStops = 5
)

// motors move the camera, and stop it when nobody says anything any more.
type motors struct {
	mover Mover // nil when there is none
	log   *slog.Logger
	// said has room for one signal that the motors were set going.
	said chan struct{}
	// turn is held by the one that speaks with the camera, and guards going: when the motors were last set going, zero
	// when they stand.
	turn  chan struct{}
	going time.Time
}

// able reports whether there is something to move, as far as is known by now.
func (m *motors) able() bool {
	f, ok := m.mover.(fitful)
	return m.mover != nil && (!ok || f.Moves())
}

func newMotors(m Mover, log *slog.Logger) *motors {
	return &motors{mover: m, log: log, said: make(chan struct{}, 1), turn: make(chan struct{}, 1)}
}

// Move moves the camera. The motors stop by themselves a second after the last call that set one going, while Run is on. It
// fails with CodeNotFound when the camera cannot be moved.
func (c *Camera) Move(ctx context.Context, to protocol.PTZ) error {
	if !c.motors.able() {
		return protocol.Errorf(protocol.CodeNotFound, "the camera cannot be moved")
	}
	return c.motors.move(ctx, to)
}

func (m *motors) move(ctx context.Context, to protocol.PTZ) error {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-m.turn }()
	if to.Pan == 0 && to.Tilt == 0 && to.Zoom == 0 {
		err := m.mover.Move(ctx, to)
		if err == nil {
			m.going = time.Time{} // else they are stopped when their time is over
		}
		return err
	}
	m.going = time.Now() // also when the camera does not answer: it may move all the same
	select {
	case m.said <- struct{}{}:
	default:
	}
	return m.mover.Move(ctx, to)
}

// watch stops the motors when their time is over, and at the end.
func (m *motors) watch(ctx context.Context) error {
	timer := time.NewTimer(deadMan)
	defer timer.Stop()
	stops := 0
	for {
		select {
		case <-ctx.Done():
			m.stop(context.WithoutCancel(ctx), 0)
			return nil
		case <-m.said:
			stops = 0
			timer.Reset(deadMan)
		case <-timer.C:
			if wait := m.stop(ctx, deadMan); wait > 0 && stops < maxStops {
				stops++
				timer.Reset(wait)
			}
		}
	}
}

// stop stops the motors if nothing was said for a while. It returns when to look again, 0 when they stand.
func (m *motors) stop(ctx context.Context, after time.Duration) (wait time.Duration) {
	ctx, cancel := context.WithTimeout(ctx, moveTimeout)
	defer cancel()
	select {
	case m.turn <- struct{}{}:
	case <-ctx.Done():
		return deadMan
	}
	defer func() { <-m.turn }()
	if m.going.IsZero() {
		return 0
	}
	if left := after - time.Since(m.going); left > 0 {
		return left
	}
	if err := m.mover.Move(ctx, protocol.PTZ{}); err != nil {
		m.log.Warn("camera not stopped", "err", err)
		return deadMan
	}
	m.going = time.Time{}
	return 0
}
