package source

import (
	"errors"
	"fmt"

	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpav1"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph264"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtph265"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp8"
	"github.com/bluenviron/gortsplib/v5/pkg/format/rtpvp9"
	"github.com/pion/rtp"
)

// depacketiser takes the packets of a stream in order and returns the units of an access unit with its last packet, as
// media.AccessUnit has them; before, it fails with errIncomplete.
type depacketiser func(*rtp.Packet) ([][]byte, error)

// errIncomplete says that no access unit is whole yet, or that it began before the first packet.
var errIncomplete = errors.New("the access unit is not whole")

// newDepacketiser makes one for a format of videoTrack.
func newDepacketiser(f format.Format) (depacketiser, error) {
	switch f := f.(type) {
	case *format.H264:
		d, err := f.CreateDecoder()
		return several(d.Decode, rtph264.ErrMorePacketsNeeded, rtph264.ErrNonStartingPacketAndNoPrevious), err
	case *format.H265:
		d, err := f.CreateDecoder()
		return several(d.Decode, rtph265.ErrMorePacketsNeeded, rtph265.ErrNonStartingPacketAndNoPrevious), err
	case *format.AV1:
		d, err := f.CreateDecoder()
		return several(d.Decode, rtpav1.ErrMorePacketsNeeded, rtpav1.ErrNonStartingPacketAndNoPrevious), err
	case *format.VP8:
		d, err := f.CreateDecoder()
		return one(d.Decode, rtpvp8.ErrMorePacketsNeeded, rtpvp8.ErrNonStartingPacketAndNoPrevious), err
	case *format.VP9:
		d, err := f.CreateDecoder()
		return one(d.Decode, rtpvp9.ErrMorePacketsNeeded, rtpvp9.ErrNonStartingPacketAndNoPrevious), err
	}
	return nil, fmt.Errorf("no packets of %s are understood", codecName(f))
}

// several is for codecs whose access units have units.
func several(decode func(*rtp.Packet) ([][]byte, error), incomplete ...error) depacketiser {
	return func(p *rtp.Packet) ([][]byte, error) {
		units, err := decode(p)
		for _, e := range incomplete {
			if errors.Is(err, e) {
				return nil, errIncomplete
			}
		}
		return units, err
	}
}

// one is for codecs whose access units are one frame.
func one(decode func(*rtp.Packet) ([]byte, error), incomplete ...error) depacketiser {
	return several(func(p *rtp.Packet) ([][]byte, error) {
		frame, err := decode(p)
		return [][]byte{frame}, err
	}, incomplete...)
}
