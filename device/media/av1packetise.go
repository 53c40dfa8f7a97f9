package media

// Bits of the aggregation header (AV1 RTP payload format section 4.4): the packet begins or ends within an OBU, it has one
// element without a length, a coded video sequence begins with it.
const (
	av1Continues = 0x80
	av1Unended   = 0x40
	av1Single    = 0x10
	av1Sequence  = 0x08
)

// av1Overhead is the least that one more element takes: its length and a byte.
const av1Overhead = 2

// packetise cuts a temporal unit into the payloads of RTP packets (AV1 RTP payload format section 4). No packet but the last
// ends with an OBU where that can be helped: a browser that knows no dependency descriptor takes that for the end of the
// picture.
func (*av1Coding) packetise(units [][]byte, key bool) [][]byte {
	list, err := splitAll(units)
	if err != nil {
		return nil
	}
	p := av1Packets{list: list}
	total := 0
	for _, o := range list {
		total += o.len()
	}
	count := total/(maxPayload-4) + 1 + len(list)/32
	p.buf = make([]byte, 0, total+4*count+3*len(list))
	p.payloads = make([][]byte, 0, count)
	for len(p.list) > 0 {
		p.add(key && len(p.payloads) == 0)
	}
	return p.payloads
}

// av1Packets is a temporal unit that is being cut: list is what is left of it, and the first offset bytes of the first OBU
// are done.
type av1Packets struct {
	list     []obu
	offset   int
	buf      []byte
	payloads [][]byte
}

// add makes the next packet.
func (p *av1Packets) add(sequence bool) {
	start := len(p.buf)
	header := byte(0)
	if sequence {
		header |= av1Sequence
	}
	if p.offset > 0 {
		header |= av1Continues
	}
	p.buf = append(p.buf, header)
	room := maxPayload - 1
	if p.rest() >= room || len(p.list) == 1 {
		p.buf[start] |= av1Single
		p.write(p.part(room))
	} else {
		for len(p.list) > 0 && p.offset == 0 || len(p.buf) == start+1 {
			if room = maxPayload - (len(p.buf) - start); room < av1Overhead {
				break
			}
			n := p.part(room - 1)
			if n >= 0x80 {
				n = p.part(room - 2)
			}
			p.buf = appendLEB128(p.buf, n)
			p.write(n)
		}
	}
	if p.offset > 0 {
		p.buf[start] |= av1Unended
	}
	p.payloads = append(p.payloads, p.buf[start:len(p.buf):len(p.buf)])
}

// rest returns how much is left of the first OBU.
func (p *av1Packets) rest() int { return p.list[0].len() - p.offset }

// part returns how much of the first OBU goes into a room: all, but a byte less if nothing fits after it and something has to
// follow.
func (p *av1Packets) part(room int) int {
	n := min(p.rest(), room)
	if n == p.rest() && n > 1 && len(p.list) > 1 && room-n < av1Overhead {
		n--
	}
	return n
}

// write takes n bytes of the first OBU.
func (p *av1Packets) write(n int) {
	p.buf = p.list[0].append(p.buf, p.offset, p.offset+n)
	if p.offset += n; p.offset == p.list[0].len() {
		p.list, p.offset = p.list[1:], 0
	}
}
