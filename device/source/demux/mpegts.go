package demux

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/sightline-rtc/sightline/device/media"
)

// Numbers of MPEG-TS (ITU-T H.222.0 section 2.4).
const (
	tsPacket  = 188
	tsSync    = 0x47
	tsClock   = 90000
	tsClockAt = 33 // bits of a time
	// tsLost is how much may come without a packet, tsOpening without the tables.
	tsLost    = 1 << 20
	tsOpening = 8 << 20
)

func isTS(head []byte) bool {
	for at := 0; at < len(head); at += tsPacket {
		if head[at] != tsSync {
			return false
		}
	}
	return len(head) >= tsPacket
}

// ts reads the first programme of a transport stream: its first H.264 or H.265, and its first Opus.
type ts struct {
	r *bufio.Reader
	programme
	video, sound elementary
	// clock is the latest time, whole.
	clock   int64
	clocked bool
	// pictures and sounds are what was read and not returned, shown the time of the last picture returned.
	pictures, sounds []Frame
	shown            time.Duration
	read             int
	err              error
}

// maxSounds bounds the sound that waits for its picture: multiplexers put up to half a second of it into one packet.
const maxSounds = 64

func openTS(r *bufio.Reader) (Reader, error) {
	t := &ts{r: r}
	for !t.known {
		if err := t.packet(); err != nil {
			return nil, cutOff("MPEG-TS", err)
		}
		if t.read > tsOpening {
			return nil, errors.New("it is MPEG-TS without a table of its programme")
		}
	}
	if t.videoCodec == "" && !t.opus {
		return nil, fmt.Errorf("it is MPEG-TS without pictures in H.264 or H.265: there is %s", inWords(t.leftOut))
	}
	return t, nil
}

func (t *ts) Tracks() Tracks {
	tracks := Tracks{Container: "MPEG-TS", Video: t.videoCodec, LeftOut: t.leftOut}
	if t.opus {
		sound := opusFormat
		tracks.Sound = &sound
	}
	return tracks
}

func (t *ts) Next() (Frame, error) {
	for {
		if t.soundDue() {
			f := t.sounds[0]
			t.sounds = t.sounds[1:]
			return f, nil
		}
		if len(t.pictures) > 0 {
			f := t.pictures[0]
			t.pictures = t.pictures[1:]
			t.shown = f.DTS
			return f, nil
		}
		if t.err != nil {
			return Frame{}, t.err
		}
		if err := t.packet(); err != nil {
			t.err = ended(err)
			t.takeVideo(t.video.take())
			t.takeSound(t.sound.take())
		}
	}
}

// soundDue reports whether sound is next: many packets of it come at once, ahead of their pictures.
func (t *ts) soundDue() bool {
	if len(t.sounds) == 0 {
		return false
	}
	at := t.sounds[0].DTS
	if len(t.pictures) > 0 {
		return at <= t.pictures[0].DTS
	}
	return at <= t.shown || len(t.sounds) > maxSounds || t.err != nil || t.videoCodec == ""
}

// packet reads one packet of the transport stream.
func (t *ts) packet() error {
	if err := t.synchronise(); err != nil {
		return err
	}
	var p [tsPacket]byte
	if _, err := io.ReadFull(t.r, p[:]); err != nil {
		return err
	}
	t.read += tsPacket
	pid := uint16(p[1]&0x1f)<<8 | uint16(p[2])
	begins, scrambled, adaptation, counter := p[1]&0x40 != 0, p[3]&0xc0 != 0, p[3]&0x20 != 0, p[3]&0xf
	if p[3]&0x10 == 0 || p[1]&0x80 != 0 || scrambled {
		return nil
	}
	payload := p[4:]
	if adaptation {
		skip := 1 + int(payload[0])
		if skip >= len(payload) {
			return nil
		}
		payload = payload[skip:]
	}
	switch {
	case !t.known || pid == 0:
		t.table(pid, payload, begins)
	case pid == t.videoPID && t.videoCodec != "":
		t.takeVideo(t.video.add(payload, begins, counter))
	case pid == t.soundPID && t.opus:
		t.takeSound(t.sound.add(payload, begins, counter))
		if t.sound.whole() {
			t.takeSound(t.sound.take())
		}
	}
	return nil
}

// synchronise goes to the next packet.
func (t *ts) synchronise() error {
	for lost := 0; ; lost++ {
		head, err := t.r.Peek(1)
		if err != nil {
			return err
		}
		if head[0] == tsSync && (lost == 0 || t.certain()) {
			return nil
		}
		if lost > tsLost {
			return errors.New("it is damaged: no packet of MPEG-TS comes any more")
		}
		if _, err := t.r.Discard(1); err != nil {
			return err
		}
	}
}

// certain reports whether another packet follows the one that seems to begin.
func (t *ts) certain() bool {
	head, err := t.r.Peek(tsPacket + 1)
	return err != nil || head[tsPacket] == tsSync
}

func (t *ts) takeVideo(p pes) {
	if !p.timed {
		return
	}
	units := media.SplitAnnexB(p.data)
	if len(units) == 0 {
		return
	}
	dts := t.unwrap(p.dts)
	t.pictures = append(t.pictures, Frame{Units: units, PTS: tsTime(dts + signed33(p.pts-p.dts)), DTS: tsTime(dts)})
}

func (t *ts) takeSound(p pes) {
	if !p.timed {
		return
	}
	at := tsTime(t.unwrap(p.pts))
	for _, packet := range opusPackets(p.data) {
		t.sounds = append(t.sounds, Frame{Sound: true, Units: [][]byte{packet}, PTS: at, DTS: at})
		at += time.Duration(opus.PacketDuration2(packet)) * time.Second / 48000
	}
}

// unwrap makes a whole time of its lower 33 bits, the nearest to the one before.
func (t *ts) unwrap(low int64) int64 {
	if !t.clocked {
		t.clock, t.clocked = low, true
	}
	t.clock += signed33(low - t.clock)
	return t.clock
}

func signed33(v int64) int64 { return v << (64 - tsClockAt) >> (64 - tsClockAt) }

func tsTime(ticks int64) time.Duration {
	return time.Duration(ticks/tsClock)*time.Second + time.Duration(ticks%tsClock)*time.Second/tsClock
}

// opusPackets takes the Opus packets of a PES packet apart (ETSI TS 103 491, as ffmpeg writes it: each has a control
// header).
func opusPackets(b []byte) [][]byte {
	var packets [][]byte
	for len(b) > 2 && b[0] == 0x7f && b[1]&0xe0 == 0xe0 {
		startTrim, endTrim, extension := b[1]&0x10 != 0, b[1]&8 != 0, b[1]&4 != 0
		size := 0
		i := 2
		for more := true; more && i < len(b); i++ {
			size += int(b[i])
			more = b[i] == 255
		}
		if startTrim {
			i += 2
		}
		if endTrim {
			i += 2
		}
		if extension && i < len(b) {
			i += 1 + int(b[i])
		}
		if size == 0 || size > maxOpusPacket || i+size > len(b) {
			break
		}
		packets = append(packets, bytes.Clone(b[i:i+size]))
		b = b[i+size:]
	}
	return packets
}
