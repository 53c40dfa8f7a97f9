package media

import "bytes"

// av1Coding sends AV1 without temporal delimiters, padding and what else viewers must ignore, and with the current sequence
// header before each key frame.
type av1Coding struct {
	sequence sequenceAV1
	// header is the sequence header in use, nil before the first.
	header  []byte
	changed bool
}

func (c *av1Coding) normalise(units [][]byte, _ arrival) (out [][]byte, key bool, err error) {
	if !fits(units) {
		return nil, false, ErrTooLarge
	}
	list, err := splitAll(units)
	if err != nil {
		return nil, false, err
	}
	picture := false
	for _, o := range list {
		switch o.kind() {
		case obuSequenceHeader:
			c.keep(o)
			continue
		case obuFrame, obuFrameHeader:
			key = key || !picture && startsAV1(o.payload, c.sequence.still)
			picture = true
		case obuTileGroup, obuMetadata, obuRedundant:
		default:
			continue
		}
		out = append(out, o.raw)
	}
	switch {
	case !picture:
		return nil, false, errNoPicture
	case key && c.header == nil:
		return nil, false, errNoParameterSets
	case key:
		out = append([][]byte{c.header}, out...)
	}
	return out, key, nil
}

// keep takes over a sequence header; one that cannot be read is ignored.
func (c *av1Coding) keep(o obu) {
	if bytes.Equal(c.header, o.raw) || len(o.raw) > maxParameterSetBytes {
		return
	}
	if sequence, ok := parseSequenceAV1(o.payload); ok {
		c.sequence, c.header, c.changed = sequence, bytes.Clone(o.raw), true
	}
}

func (c *av1Coding) describe() (Format, bool) {
	changed := c.changed
	c.changed = false
	return c.sequence.format, changed
}
