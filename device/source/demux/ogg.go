package demux

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/opus"

	"github.com/sightline-rtc/sightline/device/media"
)

const (
	// oggHeader is the fixed part of a page's header (RFC 3533 section 6).
	oggHeader = 27
	// maxOpusPacket bounds a packet: the largest of Opus, 120 ms at 510 kbit/s (RFC 6716 section 3.2), is under 8 KB. More
	// may stand in the comments, which are left out.
	maxOpusPacket = 8 << 10
)

// opusFormat is how Opus is always announced (RFC 7587 section 7).
var opusFormat = media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 2}

// ogg reads the first Opus stream of an Ogg file (RFC 7845).
type ogg struct {
	r      *bufio.Reader
	serial uint32
	// packet is what has come of one, over the end of a page too; tooLong that the rest of it is left out.
	packet  []byte
	tooLong bool
	// lacing are the sizes of the segments of the present page that were not read.
	lacing []byte
	// headers is how many packets at the beginning are no sound.
	headers int
	at      time.Duration
}

func openOgg(r *bufio.Reader) (Reader, error) {
	o := &ogg{r: r, headers: 2}
	for {
		packet, serial, err := o.firstPacket()
		if err != nil {
			return nil, err
		}
		if !bytes.HasPrefix(packet, []byte("OpusHead")) {
			continue
		}
		var head opus.IDHeader
		if err := head.Unmarshal(packet); err != nil || head.ChannelCount > 2 {
			return nil, errors.New("it is Ogg with Opus of more than two channels, which cannot be played")
		}
		o.serial, o.headers = serial, 1
		return o, nil
	}
}

// firstPacket returns what a page that begins a stream holds. These come before all others.
func (o *ogg) firstPacket() ([]byte, uint32, error) {
	const begins = 2
	flags, serial, size, err := o.page()
	switch {
	case err != nil:
		return nil, 0, cutOff("Ogg", err)
	case flags&begins == 0:
		return nil, 0, errors.New("it is Ogg without Opus")
	}
	packet := make([]byte, size)
	if _, err := io.ReadFull(o.r, packet); err != nil {
		return nil, 0, cutOff("Ogg", err)
	}
	o.lacing = nil
	return packet, serial, nil
}

func (o *ogg) Tracks() Tracks {
	sound := opusFormat
	return Tracks{Container: "Ogg", Sound: &sound}
}

func (o *ogg) Next() (Frame, error) {
	for {
		packet, err := o.next()
		if err != nil {
			return Frame{}, ended(err)
		}
		if o.headers > 0 {
			o.headers--
			continue
		}
		length := time.Duration(opus.PacketDuration2(packet)) * time.Second / 48000
		if length == 0 {
			continue
		}
		f := Frame{Sound: true, Units: [][]byte{packet}, PTS: o.at, DTS: o.at}
		o.at += length
		return f, nil
	}
}

// next returns the next whole packet.
func (o *ogg) next() ([]byte, error) {
	for {
		for len(o.lacing) > 0 {
			size := o.lacing[0]
			o.lacing = o.lacing[1:]
			if err := o.segment(int(size)); err != nil {
				return nil, err
			}
			if size == 255 {
				continue
			}
			packet, tooLong := o.packet, o.tooLong
			o.packet, o.tooLong = nil, false
			if !tooLong || o.headers > 0 {
				return packet, nil
			}
		}
		_, serial, size, err := o.page()
		if err != nil {
			return nil, err
		}
		if serial != o.serial {
			o.lacing = nil
			if _, err := o.r.Discard(size); err != nil {
				return nil, err
			}
		}
	}
}

// segment reads a piece of a packet, which is at most 255 bytes.
func (o *ogg) segment(size int) error {
	o.tooLong = o.tooLong || len(o.packet)+size > maxOpusPacket
	if o.tooLong {
		_, err := o.r.Discard(size)
		return err
	}
	at := len(o.packet)
	o.packet = append(o.packet, make([]byte, size)...)
	_, err := io.ReadFull(o.r, o.packet[at:])
	return err
}

// page reads a header and returns the size of what follows.
func (o *ogg) page() (flags byte, serial uint32, size int, err error) {
	var head [oggHeader]byte
	if _, err := io.ReadFull(o.r, head[:]); err != nil {
		return 0, 0, 0, err
	}
	if string(head[:4]) != "OggS" {
		return 0, 0, 0, fmt.Errorf("it is damaged: a page of Ogg was expected and %q found", head[:4])
	}
	o.lacing = make([]byte, head[26])
	if _, err := io.ReadFull(o.r, o.lacing); err != nil {
		return 0, 0, 0, err
	}
	for _, n := range o.lacing {
		size += int(n)
	}
	return head[5], binary.LittleEndian.Uint32(head[14:]), size, nil
}
