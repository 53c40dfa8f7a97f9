package media

import (
	"slices"
	"time"

	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

const (
	// greyAgain is how long no grey picture is sent again: all viewers see it.
	greyAgain = 10 * time.Second
	// greyPPS is the number of its picture parameter set, or one below that is free.
	greyPPS = maxPPSID
)

// greyWords say what sending a grey picture does.
const greyWords = "the camera refreshes its picture bit by bit and sends no keyframes; viewers start with a grey picture that fills up"

// wipe reports whether a grey picture is to come before an access unit: the source refreshes the picture bit by bit, beginning
// here, and either nothing has been sent that a decoder could start with, or go on with, or somebody waits for it in vain.
func (r *h264Rescue) wipe(nalus [][]byte, wanted bool, now time.Time) bool {
	never := r.keyed.IsZero() && !r.active
	if !never && !r.lost && (!wanted || now.Sub(r.greyed) < greyAgain) {
		return false
	}
	frames, marked := recoveryPoint(nalus)
	return marked && frames > 0
}

// grey makes an IDR picture in plain grey that comes before an access unit, with all parameter sets, and counts numbers from
// there. Only pictures in 4:2:0 without interlacing can be made.
func (r *h264Rescue) grey(nalus [][]byte, c *h264Coding, now time.Time) ([][]byte, error) {
	first := slices.IndexFunc(nalus, isSlice)
	syntax, err := r.syntaxOf(nalus[first], c)
	if err != nil {
		return nil, err
	}
	head, err := readSlice(nalus[first], syntax)
	if err != nil {
		return nil, err
	}
	if syntax.fields || syntax.planes || syntax.chroma != 1 || syntax.macroblocks > maxMacroblocks {
		return nil, errNoRewrite
	}
	r.active, r.leading, r.lost, r.greyed, r.last = true, false, false, now, head.frameNum-1
	r.base = numbers{head.frameNum - 1, head.lsb - 2 + uint32(min(head.deltaBottom, 0))}
	r.id ^= 1
	id := uint32(greyPPS)
	for c.pps.byID[id] != nil && id > 0 {
		id--
	}
	return append(all(&c.sps, &c.pps), greyParameterSet(id, syntax.sps), greySlice(id, r.id, syntax)), nil
}

// maxMacroblocks is what level 6.2 allows (H.264 table A-1).
const maxMacroblocks = 139264

// greyParameterSet writes a picture parameter set (H.264 section 7.3.2.2) that has CAVLC and no deblocking.
func greyParameterSet(id, sps uint32) []byte {
	w := &bitWriter{}
	w.ue(id)
	w.ue(sps)
	w.u(2, 0) // entropy_coding_mode_flag, bottom_field_pic_order_in_frame_present_flag
	w.ue(0)   // num_slice_groups_minus1
	w.ue(0)   // num_ref_idx_l0_default_active_minus1
	w.ue(0)   // num_ref_idx_l1_default_active_minus1
	w.u(3, 0) // weighted_pred_flag, weighted_bipred_idc
	w.se(0)   // pic_init_qp_minus26
	w.se(0)   // pic_init_qs_minus26
	w.se(0)   // chroma_qp_index_offset
	w.u(3, 4) // deblocking_filter_control_present_flag, constrained_intra_pred_flag, redundant_pic_cnt_present_flag
	w.u(1, 1)
	w.align(0)
	return escape(0x60|byte(h264.NALUTypePPS), w.b)
}

// greyMacroblock is a macroblock in CAVLC (H.264 section 7.3.5) that is predicted as the mean of its neighbours, without any
// difference: mb_type I_16x16_2_0_0, intra_chroma_pred_mode DC, no mb_qp_delta, no coefficients. Without neighbours the mean
// is grey.
const greyMacroblock = 0b00100_1_1_1

func greySlice(pps, id uint32, s sliceSyntax) []byte {
	w := &bitWriter{b: make([]byte, 0, s.macroblocks+16)}
	w.ue(0) // first_mb_in_slice
	w.ue(7) // slice_type: I, and so are all others
	w.ue(pps)
	w.u(s.frameNumBits, 0)
	w.ue(id)
	if s.pocType == 0 {
		w.u(s.lsbBits, 0)
	}
	w.u(2, 0) // no_output_of_prior_pics_flag, long_term_reference_flag
	w.se(0)   // slice_qp_delta
	w.ue(1)   // disable_deblocking_filter_idc
	for range s.macroblocks {
		w.u(8, greyMacroblock)
	}
	w.u(1, 1)
	w.align(0)
	return escape(0x60|byte(h264.NALUTypeIDR), w.b)
}
