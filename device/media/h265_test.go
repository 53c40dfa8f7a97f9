package media

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestH265IsNormalised(t *testing.T) {
	var vps, sps, pps []byte
	for _, nalu := range clip(t, "opengop.h265")[0] {
		switch nalType265(nalu) {
		case 32:
			vps = nalu
		case 33:
			sps = nalu
		case 34:
			pps = nalu
		}
	}
	cra, trail, rasl, reference := []byte{42, 1, 0x80, 1}, []byte{0, 1, 0x80, 1}, []byte{18, 1, 0x80, 1}, []byte{2, 1, 0x80, 1}
	otherPPS := append([]byte{}, pps...)
	otherPPS[len(otherPPS)-1] ^= 0x10
	c := &h265Coding{}
	for _, step := range []struct {
		name    string
		in      [][]byte
		want    [][]byte
		wantKey bool
		wantErr error
	}{
		{"keyframe without parameter sets", [][]byte{cra}, nil, false, errNoParameterSets},
		{"parameter sets alone", [][]byte{vps, sps, pps}, nil, false, errNoPicture},
		{"bare keyframe gets the sets", [][]byte{cra}, [][]byte{vps, sps, pps, cra}, true, nil},
		{"repeated sets come once", [][]byte{{70, 1, 0x50}, vps, sps, pps, pps, cra}, [][]byte{vps, sps, pps, cra}, true, nil},
		{
			"delimiter, filler, end of sequence and nonsense go",
			[][]byte{{70, 1, 0x50}, {}, {2}, reference, {76, 1, 255}, {72, 1}, {74, 1}, {98, 1, 1}, {130, 1, 1}, {2, 0, 0x80}},
			[][]byte{reference},
			false, nil,
		},
		{"another layer goes", [][]byte{reference, {2, 9, 0x80, 1}}, [][]byte{reference}, false, nil},
		{"messages stay", [][]byte{{78, 1, 5, 1}, reference, {80, 1, 132, 1}}, [][]byte{{78, 1, 5, 1}, reference, {80, 1, 132, 1}}, false, nil},
		{"leading pictures go", [][]byte{rasl}, nil, false, errNoPicture},
		{"pictures that nothing refers to go", [][]byte{trail}, nil, false, errNoPicture},
		{"a changed set stays where it is", [][]byte{otherPPS, reference}, [][]byte{otherPPS, reference}, false, nil},
		{"the newest set precedes the next keyframe", [][]byte{cra}, [][]byte{vps, sps, otherPPS, cra}, true, nil},
		{"a broken SPS is ignored", [][]byte{{66, 1, 1}, cra}, [][]byte{vps, sps, otherPPS, cra}, true, nil},
		{"too large", [][]byte{slice(42, MaxAccessUnit, 1), cra}, nil, false, ErrTooLarge},
	} {
		got, gotKey, err := c.normalise(step.in, arrival{now: time.Now()})
		if !errors.Is(err, step.wantErr) {
			t.Errorf("%s: got error %v, want %v", step.name, err, step.wantErr)
		}
		if diff := cmp.Diff(step.want, got); diff != "" || gotKey != step.wantKey {
			t.Errorf("%s: key %t, %s", step.name, gotKey, diff)
		}
	}
	c.reorders = false
	if _, _, err := c.normalise([][]byte{trail}, arrival{now: time.Now()}); err != nil {
		t.Errorf("a stream that keeps the order lost a picture: %v", err)
	}
}

func TestAccessUnitsOfH265EndWhereTheNextPictureBegins(t *testing.T) {
	for name, want := range map[string]int{"closed.h265": 20, "opengop.h265": 20, "layers.h265": 20, "large.h265": 2} {
		units := clip(t, name)
		if len(units) != want {
			t.Errorf("%s: got %d access units, want %d", name, len(units), want)
		}
		for i, unit := range units {
			pictures := 0
			for _, nalu := range unit {
				if isSlice265(nalu) && nalu[2]&0x80 != 0 {
					pictures++
				}
			}
			if pictures != 1 {
				t.Errorf("%s: unit %d has %d pictures", name, i, pictures)
			}
		}
	}
}

func TestPacketsOfH265AreThoseOfTheRFC(t *testing.T) {
	vps, sps := []byte{0x40, 0x02, 0xaa}, []byte{0x42, 0x01, 0xbb, 0xcc}
	got := packetiseH265([][]byte{vps, sps})
	want := [][]byte{{48 << 1, 0x01, 0, 3, 0x40, 0x02, 0xaa, 0, 4, 0x42, 0x01, 0xbb, 0xcc}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("aggregation packet: %s", diff)
	}
	big := slice(19<<1, 2+2*(maxPayload-3), 5)
	big[1] = 1
	got = packetiseH265([][]byte{big})
	if len(got) != 2 || !cmp.Equal(got[0][:3], []byte{49 << 1, 1, 0x80 | 19}) || !cmp.Equal(got[1][:3], []byte{49 << 1, 1, 0x40 | 19}) {
		t.Errorf("fragments begin with % x and % x", got[0][:3], got[1][:3])
	}
}
