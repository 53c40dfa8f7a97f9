package media

import (
	"bytes"
	"errors"
	"io"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
)

func TestAnnexBIsSplitAtStartCodes(t *testing.T) {
	for name, test := range map[string]struct {
		in   []byte
		want [][]byte
	}{
		"empty":                    {nil, nil},
		"no start code":            {[]byte{1, 2, 3}, nil},
		"three-byte code":          {[]byte{0, 0, 1, 0x65, 8}, [][]byte{{0x65, 8}}},
		"four-byte code":           {[]byte{0, 0, 0, 1, 0x65, 8, 0, 0, 0, 1, 0x41}, [][]byte{{0x65, 8}, {0x41}}},
		"garbage before the first": {[]byte{9, 9, 0, 0, 1, 0x65}, [][]byte{{0x65}}},
		"trailing zeros":           {[]byte{0, 0, 1, 0x65, 8, 0, 0, 0, 0}, [][]byte{{0x65, 8}}},
		"empty units":              {[]byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 1, 0x65}, [][]byte{{0x65}}},
		"code at the end":          {[]byte{0, 0, 1, 0x65, 0, 0, 1}, [][]byte{{0x65}}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, SplitAnnexB(test.in)); diff != "" {
				t.Error(diff)
			}
			for kind, r := range map[string]io.Reader{
				"whole":   bytes.NewReader(test.in),
				"by byte": iotest.OneByteReader(bytes.NewReader(test.in)),
				"at once": iotest.DataErrReader(bytes.NewReader(test.in)),
			} {
				if diff := cmp.Diff(test.want, readAll(t, r)); diff != "" {
					t.Errorf("%s: %s", kind, diff)
				}
			}
		})
	}
}

func readAll(t *testing.T, r io.Reader) (nalus [][]byte) {
	t.Helper()
	reader := NewAnnexBReader(r)
	for {
		nalu, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nalus
		}
		if err != nil {
			t.Fatal(err)
		}
		nalus = append(nalus, nalu)
	}
}

func TestAnnexBReaderRefusesEndlessUnits(t *testing.T) {
	endless := io.MultiReader(bytes.NewReader([]byte{0, 0, 1, 0x65}), endlessReader{})
	if _, err := NewAnnexBReader(endless).Next(); !errors.Is(err, ErrTooLarge) {
		t.Errorf("got %v, want %v", err, ErrTooLarge)
	}
}

type endlessReader struct{}

func (endlessReader) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 0xff
	}
	return len(p), nil
}

func TestAccessUnitsEndWhereTheNextPictureBegins(t *testing.T) {
	first, second := []byte{0x65, 0x88, 1}, []byte{0x65, 0x08, 2} // first_mb_in_slice 0, and not
	units := [][][]byte{
		{{0x09, 0x10}, highSPS, highPPS, {0x06, 5, 1}, first, second},
		{{0x41, 0x9a}, {0x41, 0x1a}},
		{{0x06, 1, 1}, {0x41, 0x9a}},
		{{0x41, 0x9a}},
	}
	var stream []byte
	for _, unit := range units {
		for _, nalu := range unit {
			stream = append(append(stream, 0, 0, 0, 1), nalu...)
		}
	}
	reader := NewAccessUnitReader(CodecH264, iotest.OneByteReader(bytes.NewReader(stream)))
	for i, want := range units {
		got, err := reader.Next()
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("unit %d: %s", i, diff)
		}
	}
	if _, err := reader.Next(); !errors.Is(err, io.EOF) {
		t.Errorf("got %v, want io.EOF", err)
	}
}

func FuzzAnnexB(f *testing.F) {
	f.Add([]byte{0, 0, 0, 1, 0x67, 1, 0, 0, 3, 0, 0, 1, 0x65}, uint8(1))
	f.Add([]byte{0, 0, 1, 0, 0, 1, 0, 0, 0, 0, 1}, uint8(3))
	f.Fuzz(func(t *testing.T, in []byte, step uint8) {
		whole := SplitAnnexB(in)
		codec := []Codec{CodecH264, CodecH265}[step%2]
		if diff := cmp.Diff(whole, readAll(t, &stepReader{in, int(step)%7 + 1})); diff != "" {
			t.Fatal(diff)
		}
		var units [][]byte
		reader := NewAccessUnitReader(codec, bytes.NewReader(in))
		for {
			unit, err := reader.Next()
			if err != nil {
				break
			}
			units = append(units, unit...)
		}
		if len(units) > len(whole) {
			t.Fatalf("%d NAL units became %d", len(whole), len(units))
		}
		for i := range units {
			if !bytes.Equal(units[i], whole[i]) {
				t.Fatalf("NAL unit %d differs", i)
			}
		}
	})
}

// stepReader reads a few bytes at a time.
type stepReader struct {
	rest []byte
	step int
}

func (r *stepReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := copy(p, r.rest[:min(r.step, len(r.rest))])
	r.rest = r.rest[n:]
	return n, nil
}
