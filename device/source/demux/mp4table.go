package demux

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// tableSampler goes through the tables that describe a track's samples (ISO/IEC 14496-12 sections 8.6 and 8.7).
type tableSampler struct {
	sizes, times, shifts, keys, chunks, offsets *table
	// size is that of every sample, 0 when the table says it of each; left is how many samples follow.
	size, left uint32
	// long tells that offsets have 64 bits.
	long bool

	// number is that of the next sample and of its chunk, counted from 1 as the tables do.
	number, chunk uint32
	// at is where the next sample is; inChunk is how many follow in its chunk.
	at      int64
	inChunk uint32
	// perChunk is how many samples chunks have, up to chunk nextRun, from where it is nextPer.
	perChunk, nextRun, nextPer uint32
	// dts is the time of the next sample; delta is the distance to those that follow, of which there are sameDelta.
	dts              int64
	delta, sameDelta uint32
	shift            int64
	sameShift        uint32
	nextKey          uint32
}

// table reads one table entry by entry.
type table struct {
	r    *bufio.Reader
	left uint32
}

// tableBuffer is how much of a table is read at a time.
const tableBuffer = 4 << 10

// newTable returns nil for a table that is not there. skip is how many numbers stand between its head and its entries'.
func newTable(f io.ReaderAt, b box, skip int) (*table, uint32, error) {
	if b.kind == "" {
		return nil, 0, nil
	}
	t := &table{r: bufio.NewReaderSize(io.NewSectionReader(f, b.begin, b.end-b.begin), tableBuffer)}
	head := make([]byte, 8+4*skip)
	if _, err := io.ReadFull(t.r, head); err != nil {
		return nil, 0, fmt.Errorf("it is damaged: the table %q is too short", b.kind)
	}
	t.left = binary.BigEndian.Uint32(head[4+4*skip:])
	return t, binary.BigEndian.Uint32(head[4:]), nil
}

// next reads the numbers of an entry.
func (t *table) next(numbers ...*uint32) error {
	if t == nil || t.left == 0 {
		return io.EOF
	}
	t.left--
	for _, n := range numbers {
		var b [4]byte
		if _, err := io.ReadFull(t.r, b[:]); err != nil {
			return io.EOF
		}
		*n = binary.BigEndian.Uint32(b[:])
	}
	return nil
}

func newTableSampler(f io.ReaderAt, tables map[string]box) (*tableSampler, error) {
	s := &tableSampler{number: 1}
	var errs [6]error
	s.sizes, s.size, errs[0] = newTable(f, tables["stsz"], 1)
	s.times, _, errs[1] = newTable(f, tables["stts"], 0)
	s.shifts, _, errs[2] = newTable(f, tables["ctts"], 0)
	s.keys, _, errs[3] = newTable(f, tables["stss"], 0)
	s.chunks, _, errs[4] = newTable(f, tables["stsc"], 0)
	offsets := tables["stco"]
	if long, ok := tables["co64"]; ok {
		offsets, s.long = long, true
	}
	s.offsets, _, errs[5] = newTable(f, offsets, 0)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	if s.sizes == nil || s.times == nil || s.chunks == nil || s.offsets == nil {
		return nil, errors.New("it is damaged: a table of the MP4 is missing")
	}
	s.left = s.sizes.left
	// An end of this table here shows as no samples.
	_ = s.nextChunks()
	_ = s.keys.next(&s.nextKey)
	return s, nil
}

// nextChunks reads how many samples the chunks have that come after those of now.
func (s *tableSampler) nextChunks() error {
	var description uint32
	s.perChunk = s.nextPer
	err := s.chunks.next(&s.nextRun, &s.nextPer, &description)
	if err != nil {
		s.nextRun = 0
	}
	return err
}

func (s *tableSampler) next() (sample, error) {
	if s.left == 0 {
		return sample{}, io.EOF
	}
	s.left--
	for s.inChunk == 0 {
		if err := s.beginChunk(); err != nil {
			return sample{}, err
		}
	}
	s.inChunk--
	out := sample{at: s.at, size: s.size, dts: s.dts, key: s.keys == nil || s.nextKey == s.number}
	if s.size == 0 {
		if err := s.sizes.next(&out.size); err != nil {
			return sample{}, err
		}
	}
	if s.keys != nil && out.key {
		_ = s.keys.next(&s.nextKey) // There is none after the last.
	}
	s.at += int64(out.size)
	s.number++
	shift, err := s.advance()
	out.shift = shift
	return out, err
}

// advance moves the time on and returns the shift of the present sample.
func (s *tableSampler) advance() (shift int64, err error) {
	for s.shifts != nil && s.sameShift == 0 {
		var by uint32
		if err := s.shifts.next(&s.sameShift, &by); err != nil {
			s.shifts = nil
		}
		s.shift = int64(int32(by)) // Negative in version 1; no shift of version 0 is that large.
	}
	if s.shifts != nil {
		s.sameShift--
		shift = s.shift
	}
	for s.sameDelta == 0 {
		if err := s.times.next(&s.sameDelta, &s.delta); err != nil {
			return 0, err
		}
	}
	s.sameDelta--
	s.dts += int64(s.delta)
	return shift, nil
}

// beginChunk goes to the next chunk.
func (s *tableSampler) beginChunk() error {
	s.chunk++
	if s.chunk == s.nextRun {
		_ = s.nextChunks() // The last run goes to the end.
	}
	var high, low uint32
	numbers := []*uint32{&low}
	if s.long {
		numbers = []*uint32{&high, &low}
	}
	if err := s.offsets.next(numbers...); err != nil {
		return err
	}
	s.at, s.inChunk = int64(high&0x7fffffff)<<32|int64(low), s.perChunk
	return nil
}
