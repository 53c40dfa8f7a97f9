package demux

import "io"

// fragmentSampler goes through the fragments of a file and takes the samples of one track (ISO/IEC 14496-12 section 8.8).
type fragmentSampler struct {
	f        io.ReaderAt
	size     int64
	track    uint32
	defaults fragmentDefaults
	// at is where the next box begins; waiting are the samples of the present fragment.
	at      int64
	waiting []sample
	// dts is the time of the next sample, if its fragment does not say.
	dts int64
}

// maxFragmentSamples bounds the samples of one fragment: 10 minutes of 100 a second. Entries may be of no bytes.
const maxFragmentSamples = 1 << 16

func (s *fragmentSampler) next() (sample, error) {
	for len(s.waiting) == 0 {
		if s.at+8 > s.size {
			return sample{}, io.EOF
		}
		b, err := readBox(s.f, s.at, s.size)
		if err != nil {
			return sample{}, err
		}
		s.at = b.end
		if b.kind != "moof" {
			continue
		}
		if b.end > s.size {
			return sample{}, io.EOF
		}
		if err := b.inner(s.f, func(in box) error { return s.trackFragment(b, in) }); err != nil {
			return sample{}, err
		}
	}
	out := s.waiting[0]
	s.waiting = s.waiting[1:]
	return out, nil
}

// trackFragment reads a traf box, if it is of this track.
func (s *fragmentSampler) trackFragment(moof, traf box) error {
	if traf.kind != "traf" {
		return nil
	}
	run := fragmentRun{fragmentDefaults: s.defaults, base: moof.start, at: moof.start}
	return traf.inner(s.f, func(b box) error {
		if b.kind != "tfhd" && b.kind != "tfdt" && b.kind != "trun" {
			return nil
		}
		data, err := b.read(s.f, maxFragment)
		if err != nil {
			return err
		}
		r := fields{b: data}
		version, flags := r.full()
		switch {
		case b.kind == "tfhd":
			run.mine = r.u32() == s.track
			run.head(&r, flags)
		case !run.mine:
		case b.kind == "tfdt":
			s.dts = int64(r.sized(version) & (1<<62 - 1))
		case b.kind == "trun":
			s.samples(&run, &r, flags)
		}
		return nil
	})
}

// fragmentRun is what holds for the samples of one track in one fragment.
type fragmentRun struct {
	fragmentDefaults
	mine bool
	// base is what offsets count from, at where the next sample is.
	base, at int64
}

// head reads a track fragment header (section 8.8.7).
func (t *fragmentRun) head(r *fields, flags uint32) {
	if flags&1 != 0 {
		t.base = int64(r.u64() & (1<<62 - 1))
		t.at = t.base
	}
	if flags&2 != 0 {
		r.u32() // sample description
	}
	if flags&8 != 0 {
		t.duration = r.u32()
	}
	if flags&0x10 != 0 {
		t.size = r.u32()
	}
	if flags&0x20 != 0 {
		t.flags = r.u32()
	}
}

// notSync is the flag of a sample that decoding cannot start with.
const notSync = 0x10000

// samples reads a track run (section 8.8.8).
func (s *fragmentSampler) samples(run *fragmentRun, r *fields, flags uint32) {
	count := r.u32()
	if flags&1 != 0 {
		run.at = run.base + int64(int32(r.u32())) // It is signed.
	}
	first := run.flags
	if flags&4 != 0 {
		first = r.u32()
	}
	for i := range count {
		if len(s.waiting) == maxFragmentSamples || r.short {
			return
		}
		duration, size, kind, shift := run.duration, run.size, run.flags, int64(0)
		if i == 0 {
			kind = first
		}
		if flags&0x100 != 0 {
			duration = r.u32()
		}
		if flags&0x200 != 0 {
			size = r.u32()
		}
		if flags&0x400 != 0 {
			kind = r.u32()
		}
		if flags&0x800 != 0 {
			shift = int64(int32(r.u32())) // Negative in version 1; no shift of version 0 is that large.
		}
		if r.short {
			return
		}
		s.waiting = append(s.waiting, sample{at: run.at, size: size, dts: s.dts, shift: shift, key: kind&notSync == 0})
		run.at += int64(size)
		s.dts += int64(duration)
	}
}
