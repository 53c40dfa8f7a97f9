package kvs

import (
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestTheOriginTellsPeerConnectionsApart(t *testing.T) {
	for sdp, want := range map[string]string{
		"v=0\r\no=- 4611731400430051336 2 IN IP4 127.0.0.1\r\ns=-\r\n": "- 4611731400430051336",
		"v=0\r\no=- 4611731400430051336 3 IN IP4 127.0.0.1\r\ns=-\r\n": "- 4611731400430051336",
		"v=0\no=mozilla 77 0 IN IP4 0.0.0.0\n":                         "mozilla 77",
		"v=0\r\no=-\r\n":                                               "",
		"":                                                             "",
	} {
		if got := OriginOf(sdp); got != want {
			t.Errorf("%q: got %q, want %q", sdp, got, want)
		}
	}
}

func TestAnOfferTellsWhatItsMakerWants(t *testing.T) {
	for name, c := range map[string]struct {
		lines string
		want  protocol.Media
	}{
		"a player":             {"m=video 9 X 96;a=recvonly;m=audio 9 X 111;a=recvonly;m=application 9 X webrtc-datachannel", protocol.Media{Video: true, Audio: true}},
		"somebody who talks":   {"m=audio 9 X 111;a=sendrecv;m=video 9 X 96;a=recvonly", protocol.Media{Video: true, Audio: true, Talk: true}},
		"talk on a section":    {"m=audio 9 X 111;a=recvonly;m=audio 9 X 111;a=sendonly", protocol.Media{Audio: true, Talk: true}},
		"nothing said":         {"m=video 9 X 96", protocol.Media{Video: true}},
		"what is not used":     {"m=video 0 X 96;a=recvonly;m=audio 9 X 111;a=inactive", protocol.Media{}},
		"no description":       {"hello", protocol.Media{}},
		"an m-line of nothing": {"m=", protocol.Media{}},
	} {
		if got := MediaOf("v=0\r\n" + strings.ReplaceAll(c.lines, ";", "\r\n") + "\r\n"); got != c.want {
			t.Errorf("%s: got %+v, want %+v", name, got, c.want)
		}
	}
}

func FuzzDescriptions(f *testing.F) {
	f.Add("v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\nm=video 9 X 96\r\na=recvonly\r\n")
	f.Add("m= \no=")
	f.Fuzz(func(t *testing.T, sdp string) {
		if origin := OriginOf(sdp); origin != "" && !strings.Contains(sdp, "o=") {
			t.Fatalf("the origin %q of %q", origin, sdp)
		}
		if MediaOf(sdp) != (protocol.Media{}) && !strings.Contains(sdp, "m=") {
			t.Fatalf("media of %q", sdp)
		}
	})
}
