package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"sync"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/g711"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// maxUnspoken is how many frames may wait for a command that is slow to take them: 1 s of the usual 20 ms. More is left out.
const maxUnspoken = 50

// speaker is a loudspeaker behind a local command, which gets linear samples of 16 bits, little-endian, mono, at 8 kHz on
// its standard input, for as long as somebody talks.
type speaker struct {
	command command
	log     *slog.Logger
}

// openSpeaker reads "exec:COMMAND".
func openSpeaker(spec string, log *slog.Logger) (Talker, error) {
	line, ok := strings.CutPrefix(spec, "exec:")
	if !ok {
		return nil, errors.New("talk: write it as exec:COMMAND, as in exec:aplay -q -t raw -f S16_LE -r 8000 -c 1")
	}
	c, err := parseCommand(line)
	if err != nil {
		return nil, fmt.Errorf("talk exec: %w", err)
	}
	return &speaker{c, logger(log)}, nil
}

// TalkFormats implements Talker: G.711, which every viewer has (RFC 7874 section 3).
func (s *speaker) TalkFormats() []media.AudioFormat {
	return []media.AudioFormat{{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1}}
}

// Talk implements Talker. The command lives until the mouth is closed.
func (s *speaker) Talk(ctx context.Context) (Mouth, error) {
	out, in, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("talk: %w", err)
	}
	running, cancel := context.WithCancel(context.WithoutCancel(ctx))
	m := &commandMouth{format: s.TalkFormats()[0], cancel: cancel, frames: make(chan []byte, maxUnspoken), over: make(chan struct{})}
	m.work.Go(func() {
		err := s.command.run(running, out, nil)
		close(m.over)
		if running.Err() == nil {
			s.log.Warn("talk command ended", "err", err)
		}
		_ = in.Close() // It ends what is being written.
	})
	m.work.Go(func() { m.speak(running, in) })
	return m, nil
}

// commandMouth is an open way to a command. Both of its goroutines end with Close.
type commandMouth struct {
	format media.AudioFormat
	cancel context.CancelFunc
	frames chan []byte
	// over is closed when the command has ended.
	over chan struct{}
	work sync.WaitGroup
}

// speak writes frames to the command until it or the talk is over.
func (m *commandMouth) speak(ctx context.Context, in io.Writer) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-m.over:
			return
		case frame := <-m.frames:
			if _, err := in.Write(frame); err != nil {
				return // The command has ended, which is told.
			}
		}
	}
}

// Format implements Mouth.
func (m *commandMouth) Format() media.AudioFormat { return m.format }

// Write implements Mouth. It fails once the command has ended.
func (m *commandMouth) Write(f media.AudioFrame) error {
	var samples g711.Mulaw
	samples.Unmarshal(f.Payload) // big-endian
	for i := 0; i+1 < len(samples); i += 2 {
		samples[i], samples[i+1] = samples[i+1], samples[i]
	}
	select {
	case <-m.over:
		return protocol.Errorf(protocol.CodeNotFound, "the camera's loudspeaker does not work")
	default:
	}
	select {
	case m.frames <- samples:
	default: // The command is slow.
	}
	return nil
}

// Close implements Mouth. The command ends with it.
func (m *commandMouth) Close() error {
	m.cancel()
	m.work.Wait()
	return nil
}
