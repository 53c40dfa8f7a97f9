package demux

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/sightline-rtc/sightline/device/media"
)

// Sizes of IVF (https://wiki.multimedia.cx/index.php/Duck_IVF): the header of the file, which says its own size, and that
// of each frame.
const (
	ivfHeader      = 32
	ivfFrameHeader = 12
)

// ivf reads IVF: one video track, frames with a time each.
type ivf struct {
	r     *bufio.Reader
	codec media.Codec
	// tick is the unit of time in seconds.
	tick float64
}

func openIVF(r *bufio.Reader) (Reader, error) {
	var head [ivfHeader]byte
	if _, err := io.ReadFull(r, head[:]); err != nil {
		return nil, cutOff("IVF", err)
	}
	codecs := map[string]media.Codec{
		"VP80": media.CodecVP8, "VP90": media.CodecVP9, "AV01": media.CodecAV1, "H264": media.CodecH264, "HEVC": media.CodecH265,
	}
	fourCC := string(head[8:12])
	codec, ok := codecs[fourCC]
	if !ok {
		return nil, fmt.Errorf("it is IVF with pictures in %q; VP8, VP9 and AV1 can be played", fourCC)
	}
	rate, scale := binary.LittleEndian.Uint32(head[16:]), binary.LittleEndian.Uint32(head[20:])
	if rate == 0 || scale == 0 {
		return nil, errors.New("it is IVF without a unit of time")
	}
	if more := int(binary.LittleEndian.Uint16(head[6:])) - ivfHeader; more > 0 {
		if _, err := r.Discard(more); err != nil {
			return nil, cutOff("IVF", err)
		}
	}
	return &ivf{r: r, codec: codec, tick: float64(scale) / float64(rate)}, nil
}

func (i *ivf) Tracks() Tracks { return Tracks{Container: "IVF", Video: i.codec} }

func (i *ivf) Next() (Frame, error) {
	var head [ivfFrameHeader]byte
	if _, err := io.ReadFull(i.r, head[:]); err != nil {
		return Frame{}, ended(err)
	}
	size := binary.LittleEndian.Uint32(head[:])
	if size > media.MaxAccessUnit {
		return Frame{}, fmt.Errorf("it is damaged: a frame of %d bytes is announced", size)
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(i.r, data); err != nil {
		return Frame{}, ended(err)
	}
	at := seconds(float64(binary.LittleEndian.Uint64(head[4:])) * i.tick)
	units, err := unitsOf(i.codec, data)
	return Frame{Units: units, PTS: at, DTS: at}, err
}

// unitsOf takes the bytes of one picture apart, as they stand in IVF.
func unitsOf(c media.Codec, data []byte) ([][]byte, error) {
	switch c {
	case media.CodecH264, media.CodecH265:
		return media.SplitAnnexB(data), nil
	case media.CodecAV1:
		return splitOBUs(data)
	default:
		return [][]byte{data}, nil
	}
}

// ended turns the end in the middle of something into the end.
func ended(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) {
		return io.EOF
	}
	return err
}

// cutOff says that something ends before it has begun.
func cutOff(container string, err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return fmt.Errorf("it is %s that is cut off before the first frame", container)
	}
	return err
}
