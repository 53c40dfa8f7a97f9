package peer

import (
	"errors"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// browserOffer is the part of a browser's offer that the device looks at: sound it could talk with, a picture in VP8
// and two H.264 forms.
const browserOffer = "v=0\r\no=- 1 2 IN IP4 127.0.0.1\r\ns=-\r\nt=0 0\r\na=group:BUNDLE 0 1\r\n" +
	"m=audio 9 UDP/TLS/RTP/SAVPF 111 0 8\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=ice-pwd:0123456789abcdefghijklmn\r\n" +
	"a=mid:0\r\na=sendrecv\r\na=rtpmap:111 opus/48000/2\r\na=fmtp:111 minptime=10;useinbandfec=1\r\n" +
	"a=candidate:1 1 udp 2130706431 192.0.2.7 5000 typ host\r\na=end-of-candidates\r\n" +
	"m=video 9 UDP/TLS/RTP/SAVPF 96 97 102 103 104 105\r\nc=IN IP4 0.0.0.0\r\na=ice-ufrag:abcd\r\na=mid:1\r\na=recvonly\r\n" +
	"a=rtcp-fb:* nack\r\na=rtpmap:96 VP8/90000\r\na=rtpmap:97 rtx/90000\r\na=fmtp:97 apt=96\r\n" +
	"a=rtpmap:102 H264/90000\r\na=fmtp:102 packetization-mode=1;profile-level-id=42001f\r\na=rtpmap:103 rtx/90000\r\na=fmtp:103 apt=102\r\n" +
	"a=rtpmap:104 H264/90000\r\na=fmtp:104 packetization-mode=1;profile-level-id=42e01f\r\na=rtpmap:105 rtx/90000\r\na=fmtp:105 apt=104\r\n"

func mustParse(t *testing.T, text string) *offer {
	t.Helper()
	o, err := parseOffer(text)
	if err != nil {
		t.Fatalf("parse offer: %v", err)
	}
	return o
}

func TestOfferSpeaksInChecksToNobodyElse(t *testing.T) {
	for name, change := range map[string][2]string{
		"words in the fragment":         {"ice-ufrag:abcd", "ice-ufrag:GET / HTTP"},
		"a line's end in it":            {"ice-ufrag:abcd", "ice-ufrag:ab\rcd"},
		"no fragment":                   {"a=ice-ufrag:abcd\r\n", ""},
		"a short one":                   {"ice-ufrag:abcd", "ice-ufrag:abc"},
		"a long one":                    {"ice-ufrag:abcd", "ice-ufrag:" + strings.Repeat("a", 257)},
		"no password":                   {"a=ice-pwd:0123456789abcdefghijklmn\r\n", ""},
		"words in the second section's": {"a=mid:1", "a=mid:1\r\na=ice-pwd:CONFIG SET dir /root/.ssh"},
	} {
		_, err := parseOffer(strings.ReplaceAll(browserOffer, change[0], change[1]))
		if !errors.Is(err, &protocol.Error{Code: protocol.CodeBadMessage}) {
			t.Errorf("%s: got %v, want %s", name, err, protocol.CodeBadMessage)
		}
	}
}

func TestOfferWithoutEndIsRefusedOrCut(t *testing.T) {
	_, err := parseOffer(browserOffer + strings.Repeat("m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n", 1000))
	if !errors.Is(err, &protocol.Error{Code: protocol.CodeBadMessage}) {
		t.Errorf("a thousand sections: got %v, want %s", err, protocol.CodeBadMessage)
	}
	o := mustParse(t, strings.Replace(browserOffer, "SAVPF 96", "SAVPF"+strings.Repeat(" 96", 1000), 1))
	if got := len(formats(o.section("video"))); got != 6 {
		t.Errorf("got %d formats, want the 6 that differ", got)
	}
}

func TestOfferIsCutToWhatIsSent(t *testing.T) {
	o := mustParse(t, browserOffer)
	if len(o.candidates) != 1 || o.ufrag != "abcd" {
		t.Errorf("offer: got candidates %v and ufrag %q, want one and abcd", o.candidates, o.ufrag)
	}
	o.listen()
	agreed, err := media.Choose([]media.Format{unknownFormat}, o.offered())
	if err != nil {
		t.Fatalf("choose video: %v", err)
	}
	codecs := o.chooseVideo(agreed)
	if len(codecs) != 2 || codecs[0].PayloadType != 104 || codecs[1].PayloadType != 105 {
		t.Errorf("video: got %+v, want 104 and its RTX 105", codecs)
	}
	text, err := o.text()
	if err != nil {
		t.Fatalf("write offer: %v", err)
	}
	for _, gone := range []string{"VP8", "42001f", "candidate", "a=sendrecv"} {
		if strings.Contains(text, gone) {
			t.Errorf("offer still has %q:\n%s", gone, text)
		}
	}
	for _, kept := range []string{"m=video 9 UDP/TLS/RTP/SAVPF 104 105\r\n", "a=rtcp-fb:* nack\r\n"} {
		if !strings.Contains(text, kept) {
			t.Errorf("offer lacks %q:\n%s", kept, text)
		}
	}
}

func TestSoundIsChosenByWhatTheStreamHas(t *testing.T) {
	for _, test := range []struct {
		format media.AudioFormat
		want   uint8
	}{
		{media.AudioFormat{Codec: media.CodecOpus, ClockRate: 48000, Channels: 1}, 111},
		{media.AudioFormat{Codec: media.CodecPCMU, ClockRate: 8000, Channels: 1}, 0},
		{media.AudioFormat{Codec: media.CodecPCMA, ClockRate: 8000, Channels: 1}, 8},
	} {
		codec, ok := mustParse(t, browserOffer).chooseAudio(test.format)
		if !ok || uint8(codec.PayloadType) != test.want {
			t.Errorf("sound for %s: got %d, %v, want %d", test.format.Codec, codec.PayloadType, ok, test.want)
		}
	}
	strange := media.AudioFormat{Codec: "L16", ClockRate: 16000, Channels: 1}
	if _, ok := mustParse(t, browserOffer).chooseAudio(strange); ok {
		t.Error("sound that the viewer lacks: got it, want none")
	}
}

func TestSecondSectionOfAKindIsNotServed(t *testing.T) {
	_, video, _ := strings.Cut(browserOffer, "m=video")
	o := mustParse(t, browserOffer+"m=video"+strings.Replace(video, "a=mid:1", "a=mid:2", 1))
	o.listen()
	text, err := o.text()
	if err != nil {
		t.Fatalf("write offer: %v", err)
	}
	if got := strings.Count(text, "a=inactive"); got != 1 {
		t.Errorf("inactive sections: got %d, want 1", got)
	}
}

func FuzzOffer(f *testing.F) {
	f.Add(browserOffer)
	f.Add("v=0\r\no=- 0 0 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\na=ice-ufrag:x\r\nm=video 0 x 300 -1 96\r\na=rtpmap:96 H264/90000\r\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		o, err := parseOffer(text)
		if err != nil {
			if !errors.Is(err, &protocol.Error{Code: protocol.CodeBadMessage}) {
				t.Errorf("parse: got %v, want a bad message", err)
			}
			return
		}
		o.listen()
		for _, f := range []media.Format{unknownFormat, {Codec: media.CodecVP8}, {Codec: media.CodecH265}, {Codec: media.CodecAV1}} {
			agreed, err := media.Choose([]media.Format{f}, o.offered())
			if err != nil {
				continue
			}
			if codecs := o.chooseVideo(agreed); len(codecs) > 2 {
				t.Errorf("video formats: got %d, want at most one and its RTX", len(codecs))
			}
			break // the others are taken out
		}
		o.chooseAudio(media.AudioFormat{Codec: media.CodecPCMU, ClockRate: 8000})
		if _, err := o.text(); err != nil {
			t.Errorf("write what was read: %v", err)
		}
	})
}
