package demux

import (
	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"

	"github.com/sightline-rtc/sightline/device/media"
)

// displayOrder finds out from the picture order count of pictures, which come in decoding order, in which order they are
// shown (H.264 section 8.2.1, H.265 section 8.3.1). H.264 with other types of the count than 0 is shown as it comes, as
// type 2 says; type 1 is made by no encoder of today.
type displayOrder struct {
	codec media.Codec
	sps   countOf264
	sps5  countOf265
	// step is the distance of the counts of two pictures: 2 in H.264, where fields are counted, unless it proves to be 1.
	step int64
	// begun is the place of the first picture of the sequence; msb and lsb are of the reference picture before.
	begun    int64
	msb, lsb int64
}

// countOf264 and countOf265 are what parameter sets say about the count.
type countOf264 struct {
	known, planes, fields bool
	frameNumBits, lsbBits int
}

type countOf265 struct {
	known, planes bool
	output        bool
	extra         int
	lsbBits       int
}

func newDisplayOrder(c media.Codec) displayOrder {
	if c == media.CodecH265 {
		return displayOrder{codec: c, step: 1}
	}
	return displayOrder{codec: c, step: 2}
}

// place returns the place of the picture in the order of showing; n is that in the order of decoding.
func (d *displayOrder) place(units [][]byte, n int64) int64 {
	for _, nalu := range units {
		var lsb int64
		var first, reference, ok bool
		size := d.sps.lsbBits
		if d.codec == media.CodecH265 {
			lsb, first, reference, ok = d.count265(nalu)
			size = d.sps5.lsbBits
		} else {
			lsb, first, reference, ok = d.count264(nalu)
		}
		if !ok {
			continue
		}
		if first {
			d.begun, d.msb, d.lsb = n, 0, 0
		}
		return d.begun + d.count(lsb, int64(1)<<size, reference)/d.step
	}
	return n
}

// count returns the whole count, of whose lower bits the picture tells.
func (d *displayOrder) count(lsb, size int64, reference bool) int64 {
	msb := d.msb
	switch {
	case lsb < d.lsb && d.lsb-lsb >= size/2:
		msb += size
	case lsb > d.lsb && lsb-d.lsb > size/2:
		msb -= size
	}
	if reference {
		d.msb, d.lsb = msb, lsb
	}
	if lsb%2 == 1 {
		d.step = 1
	}
	return msb + lsb
}

// sliceHead is how much of a slice holds its count, emulation prevention included.
const sliceHead = 32

// maxCountBits bounds log2_max_frame_num and log2_max_pic_order_cnt_lsb (H.264 section 7.4.2.1.1, H.265 section 7.4.3.2.1).
const maxCountBits = 16

// count264 returns pic_order_cnt_lsb of a slice, whether its picture begins a sequence and whether others refer to it.
func (d *displayOrder) count264(nalu []byte) (lsb int64, first, reference, ok bool) {
	switch t := h264.NALUType(nalu[0] & 0x1f); t {
	case h264.NALUTypeSPS:
		var sps h264.SPS
		if sps.Unmarshal(nalu) == nil {
			d.sps = countOf264{
				known:  sps.PicOrderCntType == 0 && max(sps.Log2MaxFrameNumMinus4, sps.Log2MaxPicOrderCntLsbMinus4) <= maxCountBits-4,
				planes: sps.SeparateColourPlaneFlag, fields: !sps.FrameMbsOnlyFlag,
				frameNumBits: int(sps.Log2MaxFrameNumMinus4) + 4, lsbBits: int(sps.Log2MaxPicOrderCntLsbMinus4) + 4,
			}
		}
	case h264.NALUTypeNonIDR, h264.NALUTypeIDR, h264.NALUTypeDataPartitionA:
		if !d.sps.known {
			return 0, false, false, false
		}
		r := reader{b: h264.EmulationPreventionRemove(nalu[1:min(len(nalu), sliceHead)])}
		r.ue() // first_mb_in_slice
		r.ue() // slice_type
		r.ue() // pic_parameter_set_id
		if d.sps.planes {
			r.u(2)
		}
		r.u(d.sps.frameNumBits)
		if d.sps.fields && r.u(1) == 1 { // field_pic_flag
			r.u(1)
		}
		first = t == h264.NALUTypeIDR
		if first {
			r.ue() // idr_pic_id
		}
		lsb = r.u(d.sps.lsbBits)
		return lsb, first, nalu[0]&0x60 != 0, r.ok()
	}
	return 0, false, false, false
}

// count265 is count264 for H.265.
func (d *displayOrder) count265(nalu []byte) (lsb int64, first, reference, ok bool) {
	if len(nalu) < 3 {
		return 0, false, false, false
	}
	switch t := h265.NALUType(nalu[0] >> 1 & 0x3f); {
	case t == h265.NALUType_SPS_NUT:
		var sps h265.SPS
		if sps.Unmarshal(nalu) == nil {
			d.sps5.known = sps.Log2MaxPicOrderCntLsbMinus4 <= maxCountBits-4
			d.sps5.planes = sps.SeparateColourPlaneFlag
			d.sps5.lsbBits = int(sps.Log2MaxPicOrderCntLsbMinus4) + 4
		}
	case t == h265.NALUType_PPS_NUT:
		var pps h265.PPS
		if pps.Unmarshal(nalu) == nil {
			d.sps5.output, d.sps5.extra = pps.OutputFlagPresentFlag, int(pps.NumExtraSliceHeaderBits)
		}
	case t <= h265.NALUType_RASL_R || t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_CRA_NUT:
		first = t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_IDR_N_LP
		// A picture of TemporalId 0 that is no leading one and no sub-layer non-reference counts as the one before.
		reference = nalu[1]&7 == 1 && (t >= h265.NALUType_BLA_W_LP || t <= h265.NALUType_STSA_R && t%2 == 1)
		lsb, ok = d.sps5.read(t, nalu)
		return lsb, first, reference, ok
	}
	return 0, false, false, false
}

// read returns slice_pic_order_cnt_lsb of the first slice of a picture.
func (c countOf265) read(t h265.NALUType, nalu []byte) (lsb int64, ok bool) {
	if !c.known {
		return 0, false
	}
	r := reader{b: h264.EmulationPreventionRemove(nalu[2:min(len(nalu), sliceHead)])}
	begins := r.u(1) == 1 // first_slice_segment_in_pic_flag
	if t >= h265.NALUType_BLA_W_LP {
		r.u(1) // no_output_of_prior_pics_flag
	}
	r.ue() // slice_pic_parameter_set_id
	r.u(c.extra)
	r.ue() // slice_type
	if c.output {
		r.u(1)
	}
	if c.planes {
		r.u(2)
	}
	if t != h265.NALUType_IDR_W_RADL && t != h265.NALUType_IDR_N_LP {
		lsb = r.u(c.lsbBits)
	}
	return lsb, begins && r.ok()
}

// reader reads bits; after the first failure it reads zeros.
type reader struct {
	b   []byte
	pos int
	err error
}

func (r *reader) ok() bool { return r.err == nil }

func (r *reader) ue() {
	if r.err == nil {
		_, r.err = bits.ReadGolombUnsigned(r.b, &r.pos)
	}
}

func (r *reader) u(n int) int64 {
	if r.err != nil || n == 0 { // The library cannot read none at the end.
		return 0
	}
	v, err := bits.ReadBits(r.b, &r.pos, n)
	r.err = err
	return int64(v)
}
