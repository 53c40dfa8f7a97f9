package media

import (
	"fmt"
	"math"

	"github.com/bluenviron/mediacommon/v2/pkg/bits"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h264"
	"github.com/bluenviron/mediacommon/v2/pkg/codecs/h265"
)

// header265 is the length of a NAL unit's header (H.265 section 7.3.1.2).
const header265 = 2

// nalType265 returns nal_unit_type (H.265 table 7-1).
func nalType265(nalu []byte) h265.NALUType { return h265.NALUType(nalu[0] >> 1 & 0x3f) }

// temporalID returns TemporalId. The unit must be well-formed.
func temporalID(nalu []byte) uint8 { return nalu[1]&7 - 1 }

// wellFormed265 reports whether a NAL unit has a header that makes sense, of the base layer, which is all that decoders of
// viewers know.
func wellFormed265(nalu []byte) bool {
	return len(nalu) > header265 && nalu[0]&0x81 == 0 && nalu[1]&0xf8 == 0 && nalu[1]&7 != 0
}

// isSlice265 reports whether a NAL unit carries coded picture data of a known type.
func isSlice265(nalu []byte) bool {
	t := nalType265(nalu)
	return t <= h265.NALUType_RASL_R || isRandomAccess(t)
}

// isRandomAccess reports whether a picture refers to no other, and none that is shown after it to one before: BLA, IDR, CRA.
func isRandomAccess(t h265.NALUType) bool {
	return t >= h265.NALUType_BLA_W_LP && t <= h265.NALUType_CRA_NUT
}

// isLeading reports whether a picture is shown before the random access picture that it follows. Only others of this kind
// refer to it (H.265 section 7.4.2.2).
func isLeading(t h265.NALUType) bool {
	return t >= h265.NALUType_RADL_N && t <= h265.NALUType_RASL_R
}

// isKeyH265 reports whether an access unit has a picture that decoding can start with, from its first slice on.
func isKeyH265(nalus [][]byte) bool {
	for _, nalu := range nalus {
		if wellFormed265(nalu) && isRandomAccess(nalType265(nalu)) {
			return nalu[header265]&0x80 != 0 // first_slice_segment_in_pic_flag
		}
	}
	return false
}

// startsAccessUnit265 reports whether a NAL unit that follows a slice belongs to the next picture (H.265 section 7.4.2.4.4).
func startsAccessUnit265(nalu []byte) bool {
	if !wellFormed265(nalu) {
		return len(nalu) == header265 && nalType265(nalu) == h265.NALUType_AUD_NUT
	}
	switch t := nalType265(nalu); {
	case t <= 31:
		return nalu[header265]&0x80 != 0
	case t >= h265.NALUType_VPS_NUT && t <= h265.NALUType_AUD_NUT, t == h265.NALUType_PREFIX_SEI_NUT:
		return true
	default:
		return t >= 41 && t <= 44 || t >= 48 && t <= 55
	}
}

// parameterSetID265 returns vps_video_parameter_set_id, sps_seq_parameter_set_id or pps_pic_parameter_set_id.
func parameterSetID265(nalu []byte) (uint32, error) {
	switch nalType265(nalu) {
	case h265.NALUType_VPS_NUT:
		return uint32(nalu[header265] >> 4), nil
	case h265.NALUType_SPS_NUT:
		sps, err := parseSPS265(nalu)
		return uint32(sps.ID), err
	default:
		pos := 0
		return bits.ReadGolombUnsigned(h264.EmulationPreventionRemove(nalu[header265:min(len(nalu), header265+8)]), &pos)
	}
}

func parseSPS265(nalu []byte) (h265.SPS, error) {
	var sps h265.SPS
	if err := sps.Unmarshal(nalu); err != nil {
		return h265.SPS{}, fmt.Errorf("parse SPS: %w", err)
	}
	return sps, nil
}

// formatOf265 describes the pictures that an H.265 sequence parameter set announces. VPS and PPS stay empty.
func formatOf265(nalu []byte) (Format, error) {
	sps, err := parseSPS265(nalu)
	if err != nil {
		return Format{}, err
	}
	f := Format{Codec: CodecH265, SPS: nalu, H265: profile265(sps.ProfileTierLevel), Width: sps.Width(), Height: sps.Height()}
	if fps := sps.FPS(); fps > 0 && !math.IsInf(fps, 0) {
		f.FPS = fps
	}
	if f.Width <= 0 || f.Height <= 0 || f.Width > maxDimension || f.Height > maxDimension {
		return Format{}, fmt.Errorf("parse SPS: picture of %dx%d", f.Width, f.Height)
	}
	return f, nil
}

// maxDimension is more pixels in one direction than level 6.2 allows (H.264 section A.3.1, H.265 section A.4.1).
const maxDimension = 1 << 15

func profile265(p h265.SPS_ProfileTierLevel) H265Profile {
	out := H265Profile{Profile: p.GeneralProfileIdc, HighTier: p.GeneralTierFlag != 0, Level: p.GeneralLevelIdc}
	for i, fits := range p.GeneralProfileCompatibilityFlag {
		if fits {
			out.Compatible |= 1 << (31 - i)
		}
	}
	return out
}
