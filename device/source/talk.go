package source

import (
	"context"
	"sync"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// Talker is a source that has a loudspeaker.
type Talker interface {
	// TalkFormats are the formats that it takes, the best first; none means that it cannot be talked to, as far as is
	// known. A change is told by Config.Changed.
	TalkFormats() []media.AudioFormat
	// Talk opens the way to the loudspeaker, for sound in the first of the formats.
	Talk(context.Context) (Mouth, error)
}

// Mouth is an open way to a loudspeaker.
type Mouth interface {
	// Format is that of the sound it takes.
	Format() media.AudioFormat
	// Write plays a frame. It does not block for longer than a network takes to accept a packet.
	Write(media.AudioFrame) error
	// Close ends the way; it may be called more than once.
	Close() error
}

// TalkFormats are the formats of sound that the camera's loudspeaker takes, the best first; none means that it cannot be
// talked to, as far as is known by now.
func (c *Camera) TalkFormats() []media.AudioFormat {
	if c.talker == nil {
		return nil
	}
	return c.talker.TalkFormats()
}

// Talk opens the way to the loudspeaker for one at a time, who closes it. It fails with CodeBusy while somebody talks, and
// with CodeNotFound when there is no loudspeaker.
func (c *Camera) Talk(ctx context.Context) (Mouth, error) {
	if len(c.TalkFormats()) == 0 {
		return nil, protocol.Errorf(protocol.CodeNotFound, "the camera has no way to be talked to")
	}
	return c.mouth.open(c.news.tell, func() (Mouth, error) { return c.talker.Talk(ctx) })
}

// Talking reports whether somebody is heard at the camera. Subscribers are told when that changes.
func (c *Camera) Talking() bool {
	c.mouth.mu.Lock()
	defer c.mouth.mu.Unlock()
	return c.mouth.taken
}

// mouthKeeper lets one talk at a time.
type mouthKeeper struct {
	mu    sync.Mutex // guards taken
	taken bool
}

// open has a way opened unless one is, and changed called when that begins and ends.
func (k *mouthKeeper) open(changed func(), open func() (Mouth, error)) (Mouth, error) {
	if !k.take(true) {
		return nil, protocol.Errorf(protocol.CodeBusy, "somebody talks already")
	}
	changed()
	giveBack := sync.OnceFunc(func() {
		k.take(false)
		changed()
	})
	m, err := open()
	if err != nil {
		giveBack()
		return nil, err
	}
	return &keptMouth{Mouth: m, giveBack: giveBack}, nil
}

// take takes the one place, or gives it back, and reports whether that was a change.
func (k *mouthKeeper) take(taken bool) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	changed := k.taken != taken
	k.taken = taken
	return changed
}

// keptMouth lets the next one talk once it is closed.
type keptMouth struct {
	Mouth
	giveBack func()
}

// Close implements Mouth.
func (m *keptMouth) Close() error {
	defer m.giveBack()
	return m.Mouth.Close()
}
