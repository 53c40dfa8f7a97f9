package media

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

//go:generate sh testdata/make.sh

// clipCodec returns the codec of a clip in testdata by its name.
func clipCodec(name string) Codec {
	for part, codec := range map[string]Codec{
		".h264": CodecH264, ".h265": CodecH265, ".vp8.": CodecVP8, ".vp9.": CodecVP9, ".av1.": CodecAV1,
	} {
		if strings.Contains(name, part) {
			return codec
		}
	}
	return ""
}

// clip reads the access units of a clip in testdata.
func clip(t testing.TB, name string) [][][]byte {
	t.Helper()
	b, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(name, ".ivf") {
		return ivf(b)
	}
	var units [][][]byte
	reader := NewAccessUnitReader(clipCodec(name), bytes.NewReader(b))
	for {
		unit, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return units
		}
		if err != nil {
			t.Fatal(err)
		}
		units = append(units, unit)
	}
}

// ivf reads the frames of a well-formed IVF file: a header of 32 bytes, and before each frame its length and its time.
func ivf(b []byte) (units [][][]byte) {
	for b = b[32:]; len(b) >= 12; {
		n := 12 + binary.LittleEndian.Uint32(b)
		units = append(units, [][]byte{b[12:n]})
		b = b[n:]
	}
	return units
}

// sentUnit is an access unit as the pipeline sends it.
type sentUnit struct {
	units    [][]byte
	key      bool
	payloads [][]byte
}

// send brings the access units of a clip into the form that is sent; those that are not are left out.
func send(t testing.TB, c coding, units [][][]byte) (out []sentUnit) {
	t.Helper()
	for i, unit := range units {
		sent, key, err := c.normalise(unit, arrival{now: time.Now()})
		if errors.Is(err, errNoPicture) {
			continue
		}
		if err != nil {
			t.Fatalf("unit %d: %v", i, err)
		}
		out = append(out, sentUnit{sent, key, c.packetise(sent, key)})
	}
	return out
}

func lastFormat(c coding) (f Format) {
	f, _ = c.describe()
	return f
}

// ignore takes remarks of a coding that nobody reads.
func ignore(string) {}
