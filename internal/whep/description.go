package whep

import (
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxSections bounds the media sections of a description: as many as a device takes.
const maxSections = 32

// description is a session description (RFC 8866), or a fragment of one, as lines without their ends.
type description struct {
	session []string
	media   [][]string
}

// read splits a text. It fails with CodeBadMessage for what has lines that no description has.
func read(text string) (d description, err error) {
	if !utf8.ValidString(text) {
		return d, protocol.Errorf(protocol.CodeBadMessage, "the text is not UTF-8")
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		switch {
		case line == "":
			continue
		case len(line) < 2 || line[1] != '=' || line[0] < 'a' || line[0] > 'z' || strings.ContainsAny(line, "\r\x00"):
			return d, protocol.Errorf(protocol.CodeBadMessage, "a line is none of a session description (RFC 8866)")
		case line[0] == 'm':
			if len(d.media) == maxSections {
				return d, protocol.Errorf(protocol.CodeBadMessage, "there are more than %d media sections", maxSections)
			}
			d.media = append(d.media, []string{line})
		case len(d.media) == 0:
			d.session = append(d.session, line)
		default:
			last := len(d.media) - 1
			d.media[last] = append(d.media[last], line)
		}
	}
	return d, nil
}

// String writes all lines with the ends that the standard asks for.
func (d description) String() string {
	var b strings.Builder
	for _, part := range append([][]string{d.session}, d.media...) {
		for _, line := range part {
			b.WriteString(line)
			b.WriteString("\r\n")
		}
	}
	return b.String()
}

// attribute returns the value of the first attribute of a name among lines.
func attribute(lines []string, name string) (value string, ok bool) {
	for _, line := range lines {
		if text, is := strings.CutPrefix(line, "a="+name); is && (text == "" || text[0] == ':') {
			return strings.TrimPrefix(text, ":"), true
		}
	}
	return "", false
}

// of returns an attribute of a section, or what holds for the whole description.
func (d description) of(section []string, name string) string {
	if value, ok := attribute(section, name); ok {
		return value
	}
	value, _ := attribute(d.session, name)
	return value
}

// kind is what a section is for, such as "video", and its port: 0 is for one that is rejected, or rests on another's
// (RFC 9143 section 6).
func kind(section []string) (media, port string) {
	fields := strings.Fields(section[0][2:])
	if len(fields) < 2 {
		return "", "0"
	}
	return fields[0], fields[1]
}

// direction is that of a section (RFC 8866 section 6.7).
func (d description) direction(section []string) string {
	for _, lines := range [][]string{section, d.session} {
		for _, name := range []string{"sendrecv", "sendonly", "recvonly", "inactive"} {
			if _, ok := attribute(lines, name); ok {
				return name
			}
		}
	}
	return "sendrecv"
}

// is reports whether a line is the attribute.
func is(line, name string) bool {
	text, ok := strings.CutPrefix(line, "a="+name)
	return ok && (text == "" || text[0] == ':')
}

// at returns the index of the section with a mid, or of the first one that is not rejected.
func (d description) at(mid string, index int) int {
	for i, section := range d.media {
		if own, ok := attribute(section, "mid"); ok && mid != "" && own == mid {
			return i
		}
	}
	if mid == "" && index >= 0 && index < len(d.media) {
		return index
	}
	for i, section := range d.media {
		if _, port := kind(section); port != "0" {
			return i
		}
	}
	return 0
}

// advance raises the version of a description (RFC 8866 section 5.2), which a changed one must have.
func (d description) advance() {
	for i, line := range d.session {
		fields := strings.Fields(line)
		if !strings.HasPrefix(line, "o=") || len(fields) < 3 {
			continue
		}
		if version, err := strconv.ParseUint(fields[2], 10, 63); err == nil {
			fields[2] = strconv.FormatUint(version+1, 10)
			d.session[i] = strings.Join(fields, " ")
		}
	}
}
