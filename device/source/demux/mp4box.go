package demux

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// box is one box of an MP4 file (ISO/IEC 14496-12 section 4.2); what it holds is from begin to end.
type box struct {
	kind              string
	start, begin, end int64
}

// errBox is for a box that is larger than what it stands in.
var errBox = errors.New("it is damaged: the boxes of the MP4 do not fit into each other")

func isMP4(head []byte) bool {
	if len(head) < 8 {
		return false
	}
	switch string(head[4:8]) {
	case "ftyp", "moov", "mdat", "free", "skip", "wide", "styp", "moof", "pnot":
		return true
	}
	return false
}

// eachBox goes through the boxes from begin to end until it is told that there need be no more. The last box of a file may
// be cut off: its end is then beyond that of the file.
func eachBox(f io.ReaderAt, begin, end int64, visit func(box) (more bool, err error)) error {
	for at := begin; at+8 <= end; {
		b, err := readBox(f, at, end)
		if err != nil {
			return err
		}
		more, err := visit(b)
		if err != nil || !more {
			return err
		}
		at = b.end
	}
	return nil
}

func readBox(f io.ReaderAt, at, end int64) (box, error) {
	var head [16]byte
	n, err := f.ReadAt(head[:min(int64(len(head)), end-at)], at)
	if n < 8 {
		return box{}, err
	}
	b := box{kind: string(head[4:8]), start: at, begin: at + 8}
	switch size := int64(binary.BigEndian.Uint32(head[:])); size {
	case 0: // up to the end
		b.end = end
	case 1:
		b.begin = at + 16
		large := binary.BigEndian.Uint64(head[8:])
		if n < 16 || large > 1<<62-1 {
			return box{}, errBox
		}
		b.end = at + int64(large)
	default:
		b.end = at + size
	}
	if b.end < b.begin {
		return box{}, errBox
	}
	return b, nil
}

// Bounds of what is read at once: parameter sets stand in the description of the samples, which is read whole, and so is
// the index of a fragment, whose samples are a few seconds long.
const (
	maxDescription = 64 << 10
	maxFragment    = 1 << 20
)

// read returns what a box holds.
func (b box) read(f io.ReaderAt, most int64) ([]byte, error) {
	if b.end-b.begin > most {
		return nil, fmt.Errorf("it is damaged: the box %q has %d bytes", b.kind, b.end-b.begin)
	}
	data := make([]byte, b.end-b.begin)
	if n, err := f.ReadAt(data, b.begin); n < len(data) {
		return nil, err
	}
	return data, nil
}

// inner goes through the boxes in a box.
func (b box) inner(f io.ReaderAt, visit func(box) error) error {
	return eachBox(f, b.begin, b.end, func(in box) (bool, error) {
		if in.end > b.end {
			return false, errBox
		}
		return true, visit(in)
	})
}

// fields reads big-endian numbers one after the other; after the end it reads zeros.
type fields struct {
	b     []byte
	short bool
}

func (r *fields) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *fields) u8() uint8   { return r.take(1)[0] }
func (r *fields) u16() uint16 { return binary.BigEndian.Uint16(r.take(2)) }
func (r *fields) u32() uint32 { return binary.BigEndian.Uint32(r.take(4)) }
func (r *fields) u64() uint64 { return binary.BigEndian.Uint64(r.take(8)) }

// sized reads a number that is 64 bits in version 1 of a box and 32 bits before.
func (r *fields) sized(version uint8) uint64 {
	if version == 0 {
		return uint64(r.u32())
	}
	return r.u64()
}

// full reads the head of a full box.
func (r *fields) full() (version uint8, flags uint32) {
	v := r.u32()
	return uint8(v >> 24), v & 0xffffff
}
