package media

import (
	"errors"
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
)

// nalType returns nal_unit_type (H.264 table 7-1).
func nalType(nalu []byte) h264.NALUType { return h264.NALUType(nalu[0] & 0x1f) }

// isSlice reports whether a NAL unit carries coded picture data (types 1 to 5).
func isSlice(nalu []byte) bool {
	t := nalType(nalu)
	return t >= h264.NALUTypeNonIDR && t <= h264.NALUTypeIDR
}

// isKeyH264 reports whether decoding can start with an access unit: it has an IDR picture, from its first slice on; or one
// that refers to no other; or it says that a decoder recovers here. Those without an IDR picture are made to start streams
// that lack them.
func isKeyH264(nalus [][]byte) bool {
	for _, nalu := range nalus {
		if len(nalu) > 1 && nalType(nalu) == h264.NALUTypeIDR {
			return nalu[1]&0x80 != 0
		}
	}
	if isIntra(nalus) {
		return true
	}
	_, recovers := recoveryPoint(nalus)
	return recovers
}

// startsAccessUnit reports whether a NAL unit that follows a slice belongs to the next picture (H.264 section
// 7.4.1.2.3). Of slices it looks at first_mb_in_slice only, which is 0 for the first one in every stream without
// arbitrary slice order; that is a feature of the Extended and Baseline profiles which no camera uses.
func startsAccessUnit(nalu []byte) bool {
	switch t := nalType(nalu); {
	case isSlice(nalu):
		return len(nalu) > 1 && nalu[1]&0x80 != 0
	case t >= h264.NALUTypeSEI && t <= h264.NALUTypeAccessUnitDelimiter:
		return true
	default:
		return t >= 14 && t <= 18
	}
}

// isDisposableB reports whether nothing refers to a slice and it is of type B. Non-reference P slices are kept: they
// may be a temporal layer.
func isDisposableB(nalu []byte) bool {
	if nalType(nalu) != h264.NALUTypeNonIDR || nalu[0]&0x60 != 0 {
		return false
	}
	head := h264.EmulationPreventionRemove(nalu[1:min(len(nalu), 16)])
	pos := 0
	if _, err := bits.ReadGolombUnsigned(head, &pos); err != nil {
		return false
	}
	sliceType, err := bits.ReadGolombUnsigned(head, &pos)
	return err == nil && sliceType%5 == 1
}

// parameterSetID returns seq_parameter_set_id or pic_parameter_set_id.
func parameterSetID(nalu []byte) (uint32, error) {
	skip := 1
	if nalType(nalu) == h264.NALUTypeSPS {
		skip = 4
	}
	if len(nalu) <= skip {
		return 0, fmt.Errorf("parameter set of %d bytes", len(nalu))
	}
	pos := 0
	head := h264.EmulationPreventionRemove(nalu[skip:min(len(nalu), skip+8)])
	return bits.ReadGolombUnsigned(head, &pos)
}

// maxLog2Minus4 bounds log2_max_frame_num_minus4 and log2_max_pic_order_cnt_lsb_minus4 (H.264 section 7.4.2.1.1).
const maxLog2Minus4 = 12

// FormatOf describes the pictures that an H.264 sequence parameter set announces. PPS stays empty.
func FormatOf(sps []byte) (Format, error) {
	profile, err := ProfileOf(sps)
	if err != nil {
		return Format{}, err
	}
	var parsed h264.SPS
	if err := parsed.Unmarshal(sps); err != nil {
		return Format{}, fmt.Errorf("parse SPS: %w", err)
	}
	if max(parsed.Log2MaxFrameNumMinus4, parsed.Log2MaxPicOrderCntLsbMinus4) > maxLog2Minus4 ||
		max(parsed.PicWidthInMbsMinus1, parsed.PicHeightInMapUnitsMinus1) >= maxDimension/16 {
		return Format{}, errors.New("parse SPS: a number out of its range")
	}
	f := Format{Codec: CodecH264, SPS: sps, Profile: profile, Width: parsed.Width(), Height: parsed.Height()}
	if fps := parsed.FPS(); fps > 0 && !math.IsInf(fps, 0) {
		f.FPS = fps
	}
	if f.Width <= 0 || f.Height <= 0 || f.Width > maxDimension || f.Height > maxDimension {
		return Format{}, fmt.Errorf("parse SPS: picture of %dx%d", f.Width, f.Height)
	}
	return f, nil
}
