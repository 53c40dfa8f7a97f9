// Package demux takes recorded and piped media apart into pictures and sound: byte streams of H.264 and H.265 (Annex B),
// IVF, Ogg, MPEG-TS and MP4. What something is, it finds out from the content. It reads as it goes, one frame at a time,
// and keeps no file in memory; everything that a file says about sizes is bounded. When frames are sent is decided by
// package source, how by package media.
package demux

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

// Tracks are what a medium has that can be shown.
type Tracks struct {
	// Container names the form of the medium, as in "MP4".
	Container string
	// Video is the codec of the pictures; empty means that there are none.
	Video media.Codec
	// Sound is nil when there is none that browsers play.
	Sound *media.AudioFormat
	// Untimed says that frames have no times of their own: they are to be shown as they come.
	Untimed bool
	// Disordered says that pictures are decoded in another order than they are shown, and that others refer to these: they
	// are left out, and so is what follows each up to the next keyframe.
	Disordered bool
	// LeftOut names in words what the medium has beside these, as in "sound in AAC".
	LeftOut []string
}

// Frame is one picture or one packet of sound. It belongs to whoever got it.
type Frame struct {
	Sound bool
	// Units are those of media.AccessUnit; sound has one.
	Units [][]byte
	// PTS is when it is shown, DTS when it is to be sent: frames come in the order of DTS, and in that of decoding.
	// Pictures that are shown in another order than they are decoded have a PTS that differs.
	PTS, DTS time.Duration
}

// Reader reads the frames of one medium. It is not safe for concurrent use.
type Reader interface {
	Tracks() Tracks
	// Next fails with io.EOF after the last frame, also where the medium is cut off, and in words with what is damaged.
	Next() (Frame, error)
}

// Options of a medium.
type Options struct {
	// FPS is the frame rate of byte streams; 0 means what they declare, or DefaultFPS.
	FPS float64
}

// DefaultFPS is taken when a byte stream declares no frame rate, MaxFPS bounds what it declares.
const (
	DefaultFPS = 25
	MaxFPS     = 120
)

// ErrNothing says that a stream ended before it began.
var ErrNothing = errors.New("nothing came")

// errUnknown is for what is none of the known forms.
var errUnknown = errors.New("it is nothing that can be played: there are H.264 and H.265 byte streams (Annex B), " +
	"IVF with VP8, VP9 or AV1, Ogg with Opus, MPEG-TS and MP4")

// OpenFile reads a file of the given size.
func OpenFile(f io.ReaderAt, size int64, opts Options) (Reader, error) {
	if size == 0 {
		return nil, errors.New("it is empty")
	}
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, size), bufferBytes)
	if isMP4(peek(r)) {
		return openMP4(f, size)
	}
	reader, err := open(r, opts)
	if err != nil {
		return nil, err
	}
	return newInOrder(reader, lookAhead), nil
}

// OpenStream reads what comes, as it comes, in one of the forms that can be read without going back.
func OpenStream(r io.Reader) (Reader, error) {
	reader, err := open(bufio.NewReaderSize(r, bufferBytes), Options{})
	if err != nil {
		return nil, err
	}
	return newInOrder(reader, 0), nil
}

// bufferBytes is how much is read at a time.
const bufferBytes = 64 << 10

// headBytes is how much of the content tells the form: three packets of MPEG-TS.
const headBytes = 3 * tsPacket

// peek returns the first bytes, fewer when there are no more.
func peek(r *bufio.Reader) []byte {
	head, _ := r.Peek(headBytes) // What is missing shows in the length.
	return head
}

func open(r *bufio.Reader, opts Options) (Reader, error) {
	head := peek(r)
	if len(head) == 0 {
		if _, err := r.Peek(1); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		return nil, ErrNothing
	}
	switch {
	case isTS(head):
		return openTS(r)
	case bytes.HasPrefix(head, []byte("DKIF")):
		return openIVF(r)
	case bytes.HasPrefix(head, []byte("OggS")):
		return openOgg(r)
	case isMP4(head):
		return nil, errors.New("it is MP4, which has to be read from a file; MPEG-TS can be read as it comes")
	}
	if other := otherForm(head); other != "" {
		return nil, errors.New("it is " + other + ", which cannot be played; ffmpeg makes MP4 or MPEG-TS of it without loss")
	}
	if bytes.Contains(head, startCode) {
		return openAnnexB(r, opts)
	}
	return nil, errUnknown
}

// otherForm names forms that somebody may try.
func otherForm(head []byte) string {
	for magic, name := range map[string]string{
		"\x1aE\xdf\xa3": "Matroska or WebM", "RIFF": "AVI or WAV", "FLV\x01": "FLV", "\xff\xd8\xff": "JPEG", "ID3": "MP3",
		"\x00\x00\x01\xba": "an MPEG programme stream", "\x89PNG": "PNG",
	} {
		if bytes.HasPrefix(head, []byte(magic)) {
			return name
		}
	}
	return ""
}
