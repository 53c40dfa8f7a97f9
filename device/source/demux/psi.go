package demux

import (
	"fmt"
	"slices"
	"strings"

	"github.com/sightline-rtc/sightline/device/media"
)

// maxSection bounds a table of MPEG-TS (H.222.0 section 2.4.4.10: 1021 bytes and 3).
const maxSection = 1024

// programme is what the tables say (H.222.0 section 2.4.4).
type programme struct {
	// known tells that the table of the programme was read.
	known              bool
	tablePID           uint16
	videoPID, soundPID uint16
	videoCodec         media.Codec
	opus               bool
	leftOut            []string
	section            []byte
}

// table takes a packet that may be of a table.
func (p *programme) table(pid uint16, payload []byte, begins bool) {
	if p.known || pid != 0 && (pid != p.tablePID || p.tablePID == 0) {
		return
	}
	s := p.collect(payload, begins)
	switch {
	case s == nil:
	case pid == 0 && s[0] == 0:
		p.readPAT(s[8 : len(s)-4]) // without head and checksum
	case pid != 0 && s[0] == 2:
		p.readPMT(s[8 : len(s)-4])
	}
}

// collect puts a section together and returns it when it is whole.
func (p *programme) collect(payload []byte, begins bool) []byte {
	switch {
	case begins:
		skip := 1 + int(payload[0])
		if skip >= len(payload) {
			return nil
		}
		p.section = append(p.section[:0], payload[skip:]...)
	case len(p.section) > 0 && len(p.section) < maxSection:
		p.section = append(p.section, payload...)
	}
	s := p.section
	if len(s) < 3 {
		return nil
	}
	size := 3 + int(s[1]&0xf)<<8 + int(s[2])
	if len(s) < size || size < 12 {
		return nil
	}
	p.section = p.section[:0]
	return s[:size]
}

// readPAT finds the table of the first programme; number 0 is the network's.
func (p *programme) readPAT(b []byte) {
	for ; len(b) >= 4; b = b[4:] {
		if b[0] != 0 || b[1] != 0 {
			p.tablePID = uint16(b[2]&0x1f)<<8 | uint16(b[3])
			return
		}
	}
}

// The types of streams (H.222.0 table 2-34), and others that are named to the user.
const (
	streamH264    = 0x1b
	streamH265    = 0x24
	streamPrivate = 0x06
)

var streamNames = map[byte]string{
	0x01: "pictures in MPEG-1", 0x02: "pictures in MPEG-2", 0x03: "sound in MP2", 0x04: "sound in MP2", 0x0f: "sound in AAC",
	0x10: "pictures in MPEG-4", 0x11: "sound in AAC", 0x81: "sound in AC-3", 0x87: "sound in E-AC-3", 0x06: "private data",
}

func (p *programme) readPMT(b []byte) {
	if len(b) < 4 {
		return
	}
	skip := 4 + int(b[2]&0xf)<<8 + int(b[3])
	if skip > len(b) {
		return
	}
	p.known = true
	for b = b[skip:]; len(b) >= 5; {
		kind, pid := b[0], uint16(b[1]&0x1f)<<8|uint16(b[2])
		end := 5 + int(b[3]&0xf)<<8 + int(b[4])
		if end > len(b) {
			return
		}
		p.stream(kind, pid, b[5:end])
		b = b[end:]
	}
}

func (p *programme) stream(kind byte, pid uint16, descriptors []byte) {
	switch {
	case kind == streamH264 && p.videoCodec == "":
		p.videoCodec, p.videoPID = media.CodecH264, pid
	case kind == streamH265 && p.videoCodec == "":
		p.videoCodec, p.videoPID = media.CodecH265, pid
	case kind == streamPrivate && registered(descriptors) == "Opus" && !p.opus:
		p.opus, p.soundPID = true, pid
	default:
		name, ok := streamNames[kind]
		if !ok {
			name = fmt.Sprintf("a stream of type %#02x", kind)
		}
		if !slices.Contains(p.leftOut, name) {
			p.leftOut = append(p.leftOut, name)
		}
	}
}

// registered returns the format of a registration descriptor (H.222.0 section 2.6.8).
func registered(b []byte) string {
	const registration = 5
	for len(b) >= 2 && len(b) >= 2+int(b[1]) {
		if b[0] == registration && b[1] >= 4 {
			return string(b[2:6])
		}
		b = b[2+int(b[1]):]
	}
	return ""
}

// inWords lists what there is.
func inWords(names []string) string {
	if len(names) == 0 {
		return "nothing"
	}
	return strings.Join(names[:min(len(names), 8)], ", ")
}
