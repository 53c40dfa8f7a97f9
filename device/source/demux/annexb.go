package demux

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

var startCode = []byte{0, 0, 1}

// annexB reads a byte stream of H.264 or H.265. It has no times: pictures are one frame of the declared rate apart, and in
// the order that their picture order count says.
type annexB struct {
	units *media.AccessUnitReader
	codec media.Codec
	order displayOrder
	fps   float64
	n     int64
}

// searched bounds what is looked through for the first parameter set.
const searched = 1 << 20

func openAnnexB(r *bufio.Reader, opts Options) (Reader, error) {
	var seen bytes.Buffer
	codec, err := findCodec(io.TeeReader(io.LimitReader(r, searched), &seen))
	if err != nil {
		return nil, err
	}
	return &annexB{
		units: media.NewAccessUnitReader(codec, io.MultiReader(&seen, r)),
		codec: codec,
		order: newDisplayOrder(codec),
		fps:   opts.FPS,
	}, nil
}

// findCodec tells H.264 from H.265 by the first parameter set.
func findCodec(r io.Reader) (media.Codec, error) {
	for nalus := media.NewAnnexBReader(r); ; {
		nalu, err := nalus.Next()
		switch {
		case errors.Is(err, io.EOF):
			return "", errors.New("it looks like a byte stream, but there is neither H.264 nor H.265 in it")
		case err != nil:
			return "", err
		}
		if codec := codecOf(nalu); codec != "" {
			return codec, nil
		}
	}
}

// codecOf returns whose parameter set a NAL unit is. The headers of H.265's would be data partitions in H.264, which no
// encoder makes.
func codecOf(nalu []byte) media.Codec {
	const vps, sps, pps = 32, 33, 34
	if len(nalu) < 4 {
		return ""
	}
	if t := nalu[0] >> 1; (t == vps || t == sps || t == pps) && nalu[0]&1 == 0 && nalu[1] == 1 {
		return media.CodecH265
	}
	if nalu[0]&0x9f == 7 {
		if _, err := media.FormatOf(nalu); err == nil {
			return media.CodecH264
		}
	}
	return ""
}

func (a *annexB) Tracks() Tracks {
	return Tracks{Container: "a byte stream", Video: a.codec, Untimed: true}
}

func (a *annexB) Next() (Frame, error) {
	units, err := a.units.Next()
	if err != nil {
		return Frame{}, err
	}
	if a.fps == 0 {
		a.fps = frameRate(a.codec, units)
	}
	at := a.order.place(units, a.n)
	f := Frame{Units: units, DTS: a.at(a.n), PTS: a.at(at)}
	a.n++
	return f, nil
}

func (a *annexB) at(n int64) time.Duration { return seconds(float64(n) / a.fps) }

// frameRate returns what an access unit declares.
func frameRate(c media.Codec, units [][]byte) float64 {
	if f, ok := media.ReadFormat(c, units); ok && f.FPS >= 1 && f.FPS <= MaxFPS {
		return f.FPS
	}
	return DefaultFPS
}

// seconds returns a duration without overflow.
func seconds(s float64) time.Duration {
	const most = 1e9 // 31 years
	return time.Duration(min(max(s, -most), most) * float64(time.Second))
}
