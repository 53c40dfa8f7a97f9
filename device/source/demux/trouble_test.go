package demux

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
)

func TestWhatCannotBePlayedIsToldInWords(t *testing.T) {
	mp4File := load(t, "h264_opus.mp4")
	for name, test := range map[string]struct {
		content []byte
		words   string
	}{
		"nothing":             {nil, "it is empty"},
		"text":                {[]byte("this is no video\n"), "nothing that can be played"},
		"zeros":               {make([]byte, 10_000), "nothing that can be played"},
		"start codes":         {bytes.Repeat([]byte{0, 0, 1, 9, 0x10}, 300), "neither H.264 nor H.265"},
		"Matroska":            {[]byte("\x1aE\xdf\xa3 and more"), "Matroska"},
		"AVI":                 {[]byte("RIFF....AVI LIST"), "AVI"},
		"IVF of nothing":      {load(t, "vp8.ivf")[:20], "cut off before the first frame"},
		"IVF of MPEG-4":       {[]byte("DKIF\x00\x00\x20\x00XVID" + strings.Repeat("\x01", 30)), `pictures in "XVID"`},
		"TS without tables":   {bytes.Repeat(append([]byte{tsSync, 0x1f, 0xff, 0x10}, make([]byte, 184)...), 10), "cut off"},
		"MP4 without index":   {mp4File[:300], "without its index"},
		"MP4 that is no file": {[]byte("\x00\x00\x00\x08ftyp\x00\x00\x00\x03moov"), "do not fit"},
		"Ogg without Opus":    {append([]byte("OggS\x00\x02"), make([]byte, 40)...), "Ogg"},
	} {
		_, err := OpenFile(bytes.NewReader(test.content), int64(len(test.content)), Options{})
		if err == nil || !strings.Contains(err.Error(), test.words) {
			t.Errorf("%s: got %v, want %q in it", name, err, test.words)
		}
	}
	if _, err := OpenStream(bytes.NewReader(mp4File)); err == nil || !strings.Contains(err.Error(), "has to be read from a file") {
		t.Errorf("MP4 as a stream: got %v", err)
	}
	if _, err := OpenStream(strings.NewReader("")); err == nil || !strings.Contains(err.Error(), "nothing came") {
		t.Errorf("an empty stream: got %v", err)
	}
}

// A medium that is cut off plays as far as it goes.
func TestCutOffMediaPlayAsFarAsTheyGo(t *testing.T) {
	for name := range known {
		b := load(t, name)
		indexLast := name == "h264_aac.mp4" || name == "h265.mp4" || name == "av1.mp4" || name == "plain.mp4"
		for _, part := range []int{5, 7} {
			cut := b[:len(b)*part/8]
			r, err := OpenFile(bytes.NewReader(cut), int64(len(cut)), Options{})
			if indexLast {
				if err == nil || !strings.Contains(err.Error(), "without its index") {
					t.Errorf("%s: got %v", name, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s, %d of 8 parts: %v", name, part, err)
				continue
			}
			pictures, sound := readAll(t, whole(r))
			if len(pictures)+len(sound) < part || len(pictures) > 25 {
				t.Errorf("%s, %d of 8 parts: got %d pictures and %d packets of sound", name, part, len(pictures), len(sound))
			}
		}
	}
}

// A hole in a transport stream costs the picture that it is in, and the tables come again.
func TestTransportStreamGoesOnAfterAHole(t *testing.T) {
	b := load(t, "h264_aac.ts")
	for name, damaged := range map[string][]byte{
		"three packets missing": append(bytes.Clone(b[:20*tsPacket]), b[23*tsPacket:]...),
		"half a packet":         append(bytes.Clone(b[:20*tsPacket]), b[20*tsPacket+90:]...),
		"foreign bytes":         append(append(bytes.Clone(b[:20*tsPacket]), bytes.Repeat([]byte("G?"), 500)...), b[20*tsPacket:]...),
	} {
		pictures, _ := readAll(t, whole(openBytes(t, damaged)))
		if len(pictures) < 15 || len(pictures) > 25 {
			t.Errorf("%s: got %d pictures", name, len(pictures))
		}
	}
}

// sparse is a file of which only the ends are there: zeros fill the rest.
type sparse struct {
	head, tail []byte
	size       int64
}

func (s sparse) ReadAt(p []byte, at int64) (int, error) {
	for i := range p {
		switch at := at + int64(i); {
		case at >= s.size:
			return i, io.EOF
		case at < int64(len(s.head)):
			p[i] = s.head[at]
		case at >= s.size-int64(len(s.tail)):
			p[i] = s.tail[at-s.size+int64(len(s.tail))]
		default:
			p[i] = 0
		}
	}
	return len(p), nil
}

// An index of many samples, at the end of 3 GB, is read along with them.
func TestLargeFileTakesLittleMemory(t *testing.T) {
	const samples = 2_000_000
	boxOf := func(kind string, parts ...[]byte) []byte {
		body := bytes.Join(parts, nil)
		return append(append(binary.BigEndian.AppendUint32(nil, uint32(len(body)+8)), kind...), body...)
	}
	numbers := func(n ...uint32) []byte {
		var b []byte
		for _, v := range n {
			b = binary.BigEndian.AppendUint32(b, v)
		}
		return b
	}
	sizes := numbers(0, 0, samples)
	for range samples {
		sizes = append(sizes, 0, 0, 0, 100)
	}
	entry := boxOf("vp08", make([]byte, videoEntry))
	stbl := boxOf("stbl", boxOf("stsd", numbers(0, 1), entry), boxOf("stts", numbers(0, 1, samples, 40)),
		boxOf("stsc", numbers(0, 1, 1, samples, 1)), boxOf("stsz", sizes), boxOf("stco", numbers(0, 1, 1000)))
	moov := boxOf("moov", boxOf("trak", boxOf("mdia", boxOf("mdhd", numbers(0, 0, 0, 1000, 0, 0)), boxOf("minf", stbl))))
	const size = int64(3 << 30)
	mdat := binary.BigEndian.AppendUint64(append(numbers(1), "mdat"...), uint64(size-int64(len(moov))))
	file := sparse{head: mdat, tail: moov, size: size}

	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	r, err := OpenFile(file, size, Options{})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for ; n < 10_000; n++ {
		if _, err := r.Next(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; n != 10_000 || took > 4<<20 {
		t.Errorf("%d samples took %d bytes", n, took)
	}
}
