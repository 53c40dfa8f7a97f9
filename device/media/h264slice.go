package media

import (
	"bytes"
	"errors"
	"math/bits"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// errNoRewrite: a slice that uses what the rewriting of its header does not know, which no camera does.
var errNoRewrite = errors.New("slice header cannot be rewritten")

// sliceSyntax is what must be known of parameter sets to read a slice's header.
type sliceSyntax struct {
	frameNumBits, lsbBits int
	pocType               uint32
	planes, fields        bool
	cabac, bottom         bool
	redundant, deblocking bool
	sps, chroma           uint32
	macroblocks           int
}

// readSyntax reads a picture parameter set (H.264 section 7.3.2.2) and the sequence parameter set that it names.
func readSyntax(pps []byte, sequences map[uint32][]byte) (sliceSyntax, error) {
	r := &bitReader{b: h264.EmulationPreventionRemove(pps[1:])}
	var s sliceSyntax
	r.ue() // pic_parameter_set_id
	s.sps = r.ue()
	s.cabac, s.bottom = r.flag(), r.flag()
	groups := r.ue()
	r.ue() // num_ref_idx_l0_default_active_minus1
	r.ue() // num_ref_idx_l1_default_active_minus1
	r.u(3) // weighted_pred_flag, weighted_bipred_idc
	r.ue() // pic_init_qp_minus26
	r.ue() // pic_init_qs_minus26
	r.ue() // chroma_qp_index_offset
	s.deblocking = r.flag()
	r.flag() // constrained_intra_pred_flag
	s.redundant = r.flag()
	var sps h264.SPS
	if r.short || groups != 0 || sps.Unmarshal(sequences[s.sps]) != nil {
		return sliceSyntax{}, errNoRewrite
	}
	s.frameNumBits, s.lsbBits = int(sps.Log2MaxFrameNumMinus4)+4, int(sps.Log2MaxPicOrderCntLsbMinus4)+4
	s.pocType, s.planes, s.fields = sps.PicOrderCntType, sps.SeparateColourPlaneFlag, !sps.FrameMbsOnlyFlag
	s.macroblocks, s.chroma = int(sps.PicWidthInMbsMinus1+1)*int(sps.PicHeightInMapUnitsMinus1+1), sps.ChromaFormatIdc
	if s.pocType == 1 || s.frameNumBits > 16 || s.lsbBits > 16 {
		return sliceSyntax{}, errNoRewrite
	}
	return s, nil
}

// sliceHead is the part of a slice's header up to the order of pictures (H.264 section 7.3.3), and where in the RBSP it is.
type sliceHead struct {
	rbsp               []byte
	first, kind, pps   uint32
	plane              uint32
	frameNum, lsb      uint32
	frameNumAt, lsbAt  int
	field, bottomField bool
	deltaBottom        int32
	reader             bitReader
}

// sliceParameterSet returns pic_parameter_set_id and slice_type of a slice.
func sliceParameterSet(nalu []byte) (pps, kind uint32, ok bool) {
	r := &bitReader{b: h264.EmulationPreventionRemove(nalu[1:min(len(nalu), 20)])}
	r.ue() // first_mb_in_slice
	kind = r.ue()
	pps = r.ue()
	return pps, kind, !r.short
}

// readSlice reads the header of a slice.
func readSlice(nalu []byte, s sliceSyntax) (sliceHead, error) {
	h := sliceHead{rbsp: bytes.TrimRight(h264.EmulationPreventionRemove(nalu[1:]), "\x00")}
	r := &h.reader
	r.b = h.rbsp
	h.first, h.kind, h.pps = r.ue(), r.ue(), r.ue()
	if s.planes {
		h.plane = r.u(2)
	}
	h.frameNumAt = r.pos
	h.frameNum = r.u(s.frameNumBits)
	if s.fields {
		if h.field = r.flag(); h.field {
			h.bottomField = r.flag()
		}
	}
	if nalType(nalu) == h264.NALUTypeIDR {
		r.ue() // idr_pic_id
	}
	if h.lsbAt = r.pos; s.pocType == 0 {
		h.lsb = r.u(s.lsbBits)
		if s.bottom && !h.field {
			h.deltaBottom = r.se()
		}
	}
	if r.short {
		return sliceHead{}, errNoRewrite
	}
	return h, nil
}

// renumber returns the slice with its numbers counted from a base.
func (h *sliceHead) renumber(header byte, s sliceSyntax, base numbers) []byte {
	put(h.rbsp, h.frameNumAt, s.frameNumBits, h.frameNum-base.frame)
	if s.pocType == 0 {
		put(h.rbsp, h.lsbAt, s.lsbBits, h.lsb-base.lsb)
	}
	return escape(header, h.rbsp)
}

// put overwrites a number of the given width; what does not fit wraps.
func put(b []byte, at, width int, v uint32) {
	for i := width - 1; i >= 0; i-- {
		mask := byte(0x80) >> (at % 8)
		if b[at/8] &^= mask; v>>i&1 == 1 {
			b[at/8] |= mask
		}
		at++
	}
}

// numbers are frame_num and pic_order_cnt_lsb of a picture.
type numbers struct{ frame, lsb uint32 }

// asIDR returns an intra slice of a reference picture, which must be a frame, as one of an IDR picture: its numbers are 0.
func (h *sliceHead) asIDR(header byte, s sliceSyntax, id uint32) ([]byte, error) {
	r := h.reader
	if h.field || header&0x60 == 0 {
		return nil, errNoRewrite
	}
	w := &bitWriter{b: make([]byte, 0, len(h.rbsp)+8)}
	w.ue(h.first)
	w.ue(h.kind)
	w.ue(h.pps)
	if s.planes {
		w.u(2, h.plane)
	}
	w.u(s.frameNumBits, 0)
	if s.fields {
		w.u(1, 0)
	}
	w.ue(id)
	if s.pocType == 0 {
		w.u(s.lsbBits, uint32(-min(h.deltaBottom, 0)))
		if s.bottom {
			w.se(h.deltaBottom)
		}
	}
	if s.redundant {
		w.ue(r.ue())
	}
	if err := skipMarking(&r); err != nil {
		return nil, err
	}
	w.u(2, 0) // no_output_of_prior_pics_flag, long_term_reference_flag
	from := r.pos
	end := len(h.rbsp)*8 - bits.TrailingZeros8(h.rbsp[len(h.rbsp)-1]) - 1 // the stop bit
	if s.cabac {
		r.ue() // slice_qp_delta
		if s.deblocking && r.ue() != 1 {
			r.ue() // slice_alpha_c0_offset_div2
			r.ue() // slice_beta_offset_div2
		}
		if r.short || r.pos > end {
			return nil, errNoRewrite
		}
		w.copy(h.rbsp, from, r.pos)
		w.align(1) // cabac_alignment_one_bit
		from = (r.pos + 7) / 8 * 8
	}
	if from > end {
		return nil, errNoRewrite
	}
	w.copy(h.rbsp, from, end)
	w.u(1, 1)
	w.align(0)
	return escape(header&0x60|byte(h264.NALUTypeIDR), w.b), nil
}

// skipMarking reads dec_ref_pic_marking of a picture that is not IDR (H.264 section 7.3.3.3). The operation that resets all
// numbers is not known here.
func skipMarking(r *bitReader) error {
	if !r.flag() {
		return nil
	}
	for !r.short {
		switch r.ue() {
		case 0:
			return nil
		case 1, 2, 4, 6:
			r.ue()
		case 3:
			r.ue()
			r.ue()
		default:
			return errNoRewrite
		}
	}
	return errNoRewrite
}
