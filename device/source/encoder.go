package source

import "slices"

// The NAL units that the encoder makes: type and nal_ref_idc.
const (
	nalSPS    = 0x67
	nalPPS    = 0x68
	nalIDR    = 0x65
	nalNonIDR = 0x41
)

// Macroblock types as they are coded in slices (H.264 tables 7-11 and 7-13).
const (
	mbVerticalInI   = 1  // I_16x16_0_0_0: predicted from the row above, without residue
	mbHorizontalInI = 2  // I_16x16_1_0_0: predicted from the column to the left, without residue
	mbPCMInI        = 25 // I_PCM: the samples as they are
	mbMovedInP      = 0  // P_L0_16x16: copied from elsewhere in the picture before
	mbPCMInP        = 30
)

// frameNumBits is the width of frame_num: it does not wrap within a group of pictures of half an hour.
const frameNumBits = 16

// encoder writes pictures as H.264 Constrained Baseline with five kinds of macroblock: I_PCM for what changed, prediction
// for what repeats the row above or the column to the left, P_Skip for what stayed, and copies of a ruler. That takes no
// transform and no search, and costs some 25 µs a picture.
type encoder struct {
	canvas *canvas
	// ruler are blocks that stand at the left of the first row and never change: what changes in that row to one of them is
	// copied from there, in some 30 bits instead of 3072. The second row must not change where there is a ruler.
	ruler []*macroblock
	// id alternates between IDR pictures, frame counts the pictures since the last.
	id, frame uint32
}

// parameterSets returns SPS and PPS for the canvas at a frame rate.
func (e *encoder) parameterSets(fps int) (sps, pps []byte) {
	c := e.canvas
	w := &bitWriter{}
	w.u(8, 66)   // profile_idc: Baseline
	w.u(8, 0xc0) // constraint_set0 and 1: Constrained Baseline
	w.u(8, level(c.columns*c.rows, fps))
	w.ue(0)                // seq_parameter_set_id
	w.ue(frameNumBits - 4) // log2_max_frame_num_minus4
	w.ue(2)                // pic_order_cnt_type: output in decoding order
	w.ue(1)                // max_num_ref_frames
	w.flags(0)             // gaps_in_frame_num_value_allowed_flag
	w.ue(uint32(c.columns-1), uint32(c.rows-1))
	w.flags(1, 1, 1) // frame_mbs_only, direct_8x8_inference, frame_cropping
	w.ue(0, uint32(c.columns*16-c.width)/2, 0, uint32(c.rows*16-c.height)/2)
	w.flags(1)          // vui_parameters_present_flag
	w.flags(0, 0, 0, 0) // aspect_ratio, overscan, video_signal_type, chroma_loc
	w.flags(1)          // timing_info_present_flag: two ticks a frame
	w.u(32, 1)
	w.u(32, uint32(2*fps))
	w.flags(1)         // fixed_frame_rate_flag
	w.flags(0, 0, 0)   // no HRD, no pic_struct
	w.flags(1, 1)      // bitstream_restriction_flag, motion_vectors_over_pic_boundaries_flag
	w.ue(0, 0, 10, 10) // no bounds on sizes, usual bounds on vectors
	w.ue(0, 1)         // max_num_reorder_frames: show at once; max_dec_frame_buffering
	sps = w.nal(nalSPS)

	w = &bitWriter{}
	w.ue(0, 0)    // pic_parameter_set_id, seq_parameter_set_id
	w.flags(0, 0) // CAVLC, no bottom_field_pic_order
	w.ue(0, 0, 0) // one slice group, one reference each
	w.flags(0)    // weighted_pred_flag
	w.u(2, 0)     // weighted_bipred_idc
	w.ue(0, 0, 0) // pic_init_qp_minus26, pic_init_qs_minus26, chroma_qp_index_offset
	w.flags(1)    // deblocking_filter_control_present_flag: it is switched off
	w.flags(0, 0) // constrained_intra_pred_flag, redundant_pic_cnt_present_flag
	return sps, w.nal(nalPPS)
}

// level returns the level_idc that the picture size and rate need (H.264 table A-1).
func level(macroblocks, fps int) uint32 {
	for _, l := range []struct{ idc, size, rate int }{
		{30, 1620, 40500}, {31, 3600, 108000}, {40, 8192, 245760}, {42, 8704, 522240},
	} {
		if macroblocks <= l.size && macroblocks*fps <= l.rate {
			return uint32(l.idc)
		}
	}
	return 51
}

// idr writes the canvas as a picture that decoding can start with.
func (e *encoder) idr() []byte {
	c := e.canvas
	e.frame = 0
	e.id ^= 1
	w := &bitWriter{out: make([]byte, 0, 64<<10)}
	w.ue(0, 7, 0)        // first_mb_in_slice, slice_type I, pic_parameter_set_id
	w.u(frameNumBits, 0) // frame_num
	w.ue(e.id)           // idr_pic_id
	w.flags(0, 0)        // dec_ref_pic_marking: plain
	w.ue(0)              // slice_qp_delta
	w.ue(1)              // disable_deblocking_filter_idc
	pcm := make([]bool, len(c.blocks))
	for at, block := range c.blocks {
		above, left := at-c.columns, at-1
		switch {
		case above >= 0 && repeatsRow(c.blocks[above], block):
			w.ue(mbVerticalInI)
			w.ue(2) // intra_chroma_pred_mode: vertical
		case at%c.columns > 0 && repeatsColumn(c.blocks[left], block):
			w.ue(mbHorizontalInI)
			w.ue(1) // intra_chroma_pred_mode: horizontal
		default:
			pcm[at] = true
			w.ue(mbPCMInI)
			w.align()
			w.out = append(w.out, block[:]...)
			continue
		}
		w.ue(0) // mb_qp_delta
		// coeff_token of no coefficients: its code depends on the mean of how many the neighbours have, and I_PCM counts
		// as 16 (section 9.2.1).
		if above >= 0 && pcm[above] || at%c.columns > 0 && pcm[left] {
			w.u(6, 3)
		} else {
			w.u(1, 1)
		}
	}
	c.changed = c.changed[:0]
	return w.nal(nalIDR)
}

// p writes what changed on the canvas since the last picture.
func (e *encoder) p() []byte {
	c := e.canvas
	e.frame++
	w := &bitWriter{out: make([]byte, 0, 256+len(c.changed)*(len(macroblock{})+8))}
	w.ue(0, 5, 0)              // first_mb_in_slice, slice_type P, pic_parameter_set_id
	w.u(frameNumBits, e.frame) // frame_num
	w.flags(0, 0, 0)           // default references, no reordering, plain marking
	w.ue(0)                    // slice_qp_delta
	w.ue(1)                    // disable_deblocking_filter_idc
	next, moved := 0, 0
	for _, at := range c.takeChanged() {
		w.ue(uint32(at - next)) // mb_skip_run
		if at > next {
			moved = 0
		}
		next = at + 1
		if home := slices.Index(e.ruler, c.blocks[at]); at < c.columns && home >= 0 {
			moved = w.move(4*16*(home-at), moved)
			continue
		}
		moved = 0
		w.ue(mbPCMInP)
		w.align()
		w.out = append(w.out, c.blocks[at][:]...)
	}
	if rest := len(c.blocks) - next; rest > 0 {
		w.ue(uint32(rest))
	}
	return w.nal(nalNonIDR)
}

// move writes a macroblock of the first row that is copied from to the side, in quarters of a pixel. There the predicted
// vector is that of the left neighbour, which is 0 for one that is skipped or intra (section 8.4.1.3). It returns the
// vector for the next.
func (w *bitWriter) move(vector, predicted int) int {
	w.ue(mbMovedInP)
	w.se(vector - predicted) // mvd_l0, across
	w.se(0)                  // and down
	w.ue(0)                  // coded_block_pattern: no residue
	return vector
}
