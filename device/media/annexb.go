package media

import (
	"bytes"
	"errors"
	"io"
)

// MaxAccessUnit bounds one access unit in bytes. A 4K keyframe is under 1 MB; what is larger is a fault of the source.
const MaxAccessUnit = 5 << 20

// ErrTooLarge says that a NAL unit or an access unit is over MaxAccessUnit.
var ErrTooLarge = errors.New("access unit over 5 MB")

var startCode = []byte{0, 0, 1}

// SplitAnnexB returns the NAL units of an H.264 or H.265 byte stream (annex B of both), without empty ones. They share the
// memory of b. What stands before the first start code is not part of any.
func SplitAnnexB(b []byte) [][]byte {
	var nalus [][]byte
	i := bytes.Index(b, startCode)
	if i < 0 {
		return nil
	}
	for b = b[i+3:]; b != nil; {
		var nalu []byte
		if i = bytes.Index(b, startCode); i < 0 {
			nalu, b = b, nil
		} else {
			nalu, b = b[:i], b[i+3:]
		}
		if nalu = trimZeros(nalu); len(nalu) > 0 {
			nalus = append(nalus, nalu)
		}
	}
	return nalus
}

// trimZeros takes off the zero bytes that may follow a NAL unit, the first of a four-byte start code among them. A
// NAL unit never ends with one (H.264 section 7.4.1, H.265 section 7.4.2.1).
func trimZeros(b []byte) []byte { return bytes.TrimRight(b, "\x00") }

// readBytes is how much an AnnexBReader asks for at a time.
const readBytes = 64 << 10

// AnnexBReader reads NAL units from an H.264 or H.265 byte stream. It is not safe for concurrent use.
type AnnexBReader struct {
	r io.Reader
	// buf is what was read and not returned, scanned how much of it holds no start code.
	buf     []byte
	scanned int
	// started tells that the first start code has passed.
	started bool
	err     error
}

// NewAnnexBReader reads from r, which it does not close.
func NewAnnexBReader(r io.Reader) *AnnexBReader { return &AnnexBReader{r: r} }

// Next returns the next NAL unit, which belongs to the caller. It fails with io.EOF after the last, with ErrTooLarge,
// or as the reader does.
func (a *AnnexBReader) Next() ([]byte, error) {
	for {
		if i := bytes.Index(a.buf[a.scanned:], startCode); i >= 0 {
			nalu := a.take(a.scanned+i, 3)
			if len(nalu) > 0 {
				return nalu, nil
			}
			continue
		}
		a.scanned = max(0, len(a.buf)-2)
		if a.err != nil {
			if nalu := a.take(len(a.buf), 0); len(nalu) > 0 {
				return nalu, nil
			}
			return nil, a.err
		}
		if len(a.buf) > MaxAccessUnit {
			a.err, a.buf, a.scanned = ErrTooLarge, nil, 0
			return nil, ErrTooLarge
		}
		a.fill()
	}
}

// take cuts n bytes and a start code off the buffer and returns the NAL unit they hold; nothing before the first
// start code is one.
func (a *AnnexBReader) take(n, code int) []byte {
	var nalu []byte
	if a.started {
		nalu = bytes.Clone(trimZeros(a.buf[:n]))
	}
	a.started = a.started || code > 0
	a.buf, a.scanned = a.buf[n+code:], 0
	return nalu
}

func (a *AnnexBReader) fill() {
	if cap(a.buf)-len(a.buf) < readBytes {
		grown := make([]byte, len(a.buf), 2*len(a.buf)+readBytes)
		copy(grown, a.buf)
		a.buf = grown
	}
	n, err := a.r.Read(a.buf[len(a.buf) : len(a.buf)+readBytes])
	a.buf = a.buf[:len(a.buf)+n]
	a.err = err
}

// AccessUnitReader reads access units from an H.264 or H.265 byte stream. It is not safe for concurrent use.
type AccessUnitReader struct {
	nalus *AnnexBReader
	next  []byte
	// carries reports whether a NAL unit is part of a picture, begins whether one that follows a picture belongs to the next.
	carries, begins func(nalu []byte) bool
}

// NewAccessUnitReader reads from r, which it does not close. The codec is H.264 or H.265.
func NewAccessUnitReader(c Codec, r io.Reader) *AccessUnitReader {
	a := &AccessUnitReader{nalus: NewAnnexBReader(r), carries: isSlice, begins: startsAccessUnit}
	if c == CodecH265 {
		a.carries, a.begins = isSlice265, startsAccessUnit265
	}
	return a
}

// Next returns the NAL units of the next access unit, which belong to the caller. Its errors are those of
// AnnexBReader.Next.
func (a *AccessUnitReader) Next() ([][]byte, error) {
	var unit [][]byte
	size, picture := 0, false
	for {
		nalu := a.next
		a.next = nil
		if nalu == nil {
			var err error
			if nalu, err = a.nalus.Next(); err != nil {
				if errors.Is(err, io.EOF) && picture {
					return unit, nil
				}
				return nil, err
			}
		}
		if picture && a.begins(nalu) {
			a.next = nalu
			return unit, nil
		}
		if size += len(nalu); size > MaxAccessUnit {
			return nil, ErrTooLarge
		}
		picture = picture || a.carries(nalu)
		unit = append(unit, nalu)
	}
}
