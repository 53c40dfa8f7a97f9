package kvs

import (
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// OriginOf returns what names the peer connection that made a description: the o= line without its version, which grows with
// each description of the same one (RFC 8829 section 5.2.2). It is empty for what is no description.
func OriginOf(sdp string) string {
	for line := range strings.Lines(sdp) {
		if value, ok := strings.CutPrefix(line, "o="); ok {
			fields := strings.Fields(value)
			if len(fields) < 3 {
				return ""
			}
			return fields[0] + " " + fields[1]
		}
	}
	return ""
}

// MediaOf returns what the maker of an offer wants: to see, to hear, and to be heard.
func MediaOf(sdp string) protocol.Media {
	var m protocol.Media
	var media string
	sends, receives := true, true // of a section that says nothing (RFC 8866 section 6.7)
	enter := func() {
		switch media {
		case "video":
			m.Video = m.Video || receives
		case "audio":
			m.Audio, m.Talk = m.Audio || receives, m.Talk || sends
		}
	}
	for line := range strings.Lines(sdp) {
		line = strings.TrimRight(line, "\r\n")
		if value, ok := strings.CutPrefix(line, "m="); ok {
			enter()
			fields := strings.Fields(value + " ")
			media, sends, receives = "", true, true
			if len(fields) > 1 && fields[1] != "0" { // a port of 0 is a section that is not used (RFC 3264 section 6)
				media = fields[0]
			}
			continue
		}
		switch line {
		case "a=recvonly":
			sends = false
		case "a=sendonly":
			receives = false
		case "a=inactive":
			sends, receives = false, false
		}
	}
	enter()
	return m
}
