package media

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAccessUnitsAreNormalised(t *testing.T) {
	key, p := slice(0x65, 10, 1), slice(0x41, 10, 1)
	otherPPS := append([]byte{}, highPPS...)
	otherPPS[4] ^= 0x10
	n := &h264Coding{remark: ignore}
	for _, step := range []struct {
		name    string
		in      [][]byte
		want    [][]byte
		wantKey bool
		wantErr error
	}{
		{"keyframe without parameter sets", [][]byte{key}, nil, false, errNoParameterSets},
		{"parameter sets alone", [][]byte{highSPS, highPPS}, nil, false, errNoPicture},
		{"bare keyframe gets the sets", [][]byte{key}, [][]byte{highSPS, highPPS, key}, true, nil},
		{"repeated sets come once", [][]byte{{9, 0x10}, highSPS, highPPS, highSPS, highPPS, key}, [][]byte{highSPS, highPPS, key}, true, nil},
		{"delimiter, filler and nonsense go", [][]byte{{9, 0x30}, {}, p, {0x0c, 255}, {0x1c, 1}, {0xe5, 1}, {0x0b}}, [][]byte{p}, false, nil},
		{"messages stay", [][]byte{{6, 1, 1}, p}, [][]byte{{6, 1, 1}, p}, false, nil},
		{"unchanged sets before others go", [][]byte{highSPS, highPPS, p}, [][]byte{p}, false, nil},
		{"a changed set stays where it is", [][]byte{otherPPS, p}, [][]byte{otherPPS, p}, false, nil},
		{"the newest set precedes the next keyframe", [][]byte{key}, [][]byte{highSPS, otherPPS, key}, true, nil},
		{"disposable B slices go", [][]byte{{0x01, 0x9e, 0x40}}, nil, false, errNoPicture},
		{"B slices that others refer to stay", [][]byte{{0x41, 0x9e, 0x40}}, [][]byte{{0x41, 0x9e, 0x40}}, false, nil},
		{"disposable P slices stay", [][]byte{{0x01, 0x9a, 0x40}}, [][]byte{{0x01, 0x9a, 0x40}}, false, nil},
		{"a broken SPS is ignored", [][]byte{{0x67, 1}, key}, [][]byte{highSPS, otherPPS, key}, true, nil},
		{"too large", [][]byte{slice(0x65, MaxAccessUnit, 1), p}, nil, false, ErrTooLarge},
	} {
		got, gotKey, err := n.normalise(step.in, arrival{now: time.Now()})
		if !errors.Is(err, step.wantErr) {
			t.Errorf("%s: got error %v, want %v", step.name, err, step.wantErr)
		}
		if diff := cmp.Diff(step.want, got); diff != "" || gotKey != step.wantKey {
			t.Errorf("%s: key %t, %s", step.name, gotKey, diff)
		}
	}
}

func TestFormatIsReadFromTheSPS(t *testing.T) {
	got, err := FormatOf(highSPS)
	if err != nil {
		t.Fatal(err)
	}
	want := Format{Codec: CodecH264, SPS: highSPS, Profile: ProfileLevelID{0x64, 0, 0x0d}, Width: 320, Height: 180, FPS: 25}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNumbersOutOfRangeMakeNoFormat(t *testing.T) {
	const most = 1<<32 - 2 // that the code can carry
	for name, test := range map[string]struct {
		frameNum, order, width, height uint32
		ok                             bool
	}{
		"usual":                       {0, 2, 119, 67, true},
		"frame numbers":               {most - 3, 2, 119, 67, false},
		"order of pictures":           {0, 13, 119, 67, false},
		"width":                       {0, 2, 1 << 11, 67, false},
		"width that wraps":            {0, 2, 1 << 28, 67, false},
		"both, whose product is none": {0, 2, most, most, false},
	} {
		w := &bitWriter{b: []byte{0x67, 66, 0xc0, 30}}
		for _, v := range []uint32{0, test.frameNum, 0, test.order, 1} {
			w.ue(v) // seq_parameter_set_id to max_num_ref_frames
		}
		w.u(1, 0) // gaps_in_frame_num_value_allowed_flag
		w.ue(test.width)
		w.ue(test.height)
		w.u(5, 0b11001) // frame_mbs_only_flag, direct_8x8_inference_flag, no cropping, no VUI; the stop bit
		w.align(0)
		if _, err := FormatOf(escape(w.b[0], w.b[1:])); (err == nil) != test.ok {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func FuzzNormalise(f *testing.F) {
	f.Add(append(append(append([]byte{0, 0, 1}, highSPS...), append([]byte{0, 0, 1}, highPPS...)...), 0, 0, 1, 0x65, 0x88, 1))
	f.Add(append(append(append([]byte{0, 0, 1}, baselineSPS...), append([]byte{0, 0, 1}, baselinePPS...)...), 0, 0, 1, 0x01, 0x9e))
	f.Fuzz(func(t *testing.T, in []byte) {
		n := &h264Coding{remark: ignore}
		for range 2 {
			out, key, err := n.normalise(SplitAnnexB(in), arrival{now: time.Now()})
			if err != nil {
				continue
			}
			if key && nalType(out[0]) != 7 {
				t.Fatal("a keyframe does not begin with its SPS")
			}
			for _, payload := range packetiseH264(out) {
				if len(payload) == 0 || len(payload) > maxPayload {
					t.Fatalf("payload of %d bytes", len(payload))
				}
			}
		}
		for _, nalu := range SplitAnnexB(in) {
			_, _ = FormatOf(nalu)
		}
	})
}
