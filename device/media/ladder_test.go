package media

import (
	"errors"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

// What browsers offer, in their order.
var (
	chromium = offers("103 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f",
		"107 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42001f",
		"109 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		"115 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f",
		"117 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=4d001f",
		"119 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=4d001f",
		"121 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=f4001f",
		"123 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=f4001f")
	safari = offers("96 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=640c1f",
		"98 level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f",
		"100 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=640c1f",
		"102 level-asymmetry-allowed=1;packetization-mode=0;profile-level-id=42e01f")
	firefox = offers("126 profile-level-id=42e01f;level-asymmetry-allowed=1;packetization-mode=1",
		"97 profile-level-id=42e01f;level-asymmetry-allowed=1",
		"105 profile-level-id=42001f;level-asymmetry-allowed=1;packetization-mode=1",
		"103 profile-level-id=42001f;level-asymmetry-allowed=1")
	oldBaseline = offers("100 packetization-mode=1;profile-level-id=42001f")
)

func offers(lines ...string) []OfferedH264 {
	var all []OfferedH264
	for _, line := range lines {
		number, fmtp, _ := strings.Cut(line, " ")
		pt := 0
		for _, digit := range number {
			pt = pt*10 + int(digit-'0')
		}
		o, err := ParseOfferedH264(uint8(pt), fmtp)
		if err != nil {
			panic(err)
		}
		all = append(all, o)
	}
	return all
}

func TestLadderChoosesWhatTheViewerDecodes(t *testing.T) {
	for _, test := range []struct {
		name   string
		stream string
		offer  []OfferedH264
		want   uint8
	}{
		{"Chromium, Constrained Baseline", "42c01f", chromium, 109},
		{"Chromium, Constrained Baseline of a camera", "42e028", chromium, 109},
		{"Chromium, Baseline", "42001f", chromium, 103},
		{"Chromium, Main", "4d0028", chromium, 117},
		{"Chromium, Main that is Constrained Baseline too", "4d8028", chromium, 109},
		{"Chromium, High under what it offers", "640028", chromium, 109},
		{"Safari, High", "640028", safari, 96},
		{"Safari, Constrained High", "640c28", safari, 96},
		{"Safari, Main", "4d0028", safari, 98},
		{"Safari, Constrained Baseline", "42e01f", safari, 98},
		{"Safari, Baseline", "42001f", safari, 98},
		{"Firefox, Constrained Baseline", "42c01f", firefox, 126},
		{"Firefox, Baseline", "420029", firefox, 105},
		{"Firefox, High", "640028", firefox, 126},
		{"only Baseline offered, High sent", "640028", oldBaseline, 100},
		{"only Baseline offered, Constrained Baseline sent", "42e01f", oldBaseline, 100},
	} {
		t.Run(test.name, func(t *testing.T) {
			stream, err := ParseProfileLevelID(test.stream)
			if err != nil {
				t.Fatal(err)
			}
			got, err := ChooseH264(stream, test.offer)
			if err != nil {
				t.Fatal(err)
			}
			if got.PayloadType != test.want {
				t.Errorf("got payload type %d (%s), want %d", got.PayloadType, got.Profile, test.want)
			}
		})
	}
}

func TestLadderRefusalNamesWhatEachSideHas(t *testing.T) {
	for name, test := range map[string]struct {
		offer []OfferedH264
		words []string
	}{
		"no H.264":          {nil, []string{"High (640028)", "no H.264"}},
		"only mode 0":       {offers("97 profile-level-id=42e01f"), []string{"High", "42e01f", "mode 0"}},
		"only what differs": {offers("97 profile-level-id=4d001f;packetization-mode=1"), []string{"Main (4d001f) in mode 1"}},
	} {
		_, err := ChooseH264(ProfileLevelID{0x64, 0, 0x28}, test.offer)
		if !errors.Is(err, protocol.Errorf(protocol.CodeCodec, "")) {
			t.Fatalf("%s: got %v, want code %s", name, err, protocol.CodeCodec)
		}
		for _, word := range test.words {
			if !strings.Contains(err.Error(), word) {
				t.Errorf("%s: %q does not name %q", name, err, word)
			}
		}
	}
}

func TestOfferWithoutParametersIsBaselineInMode0(t *testing.T) {
	got, err := ParseOfferedH264(97, "")
	if err != nil {
		t.Fatal(err)
	}
	if want := (OfferedH264{PayloadType: 97, Profile: ProfileLevelID{0x42, 0, 0x0a}}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func FuzzOfferedH264(f *testing.F) {
	f.Add("level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
	f.Add("profile-level-id=;packetization-mode=9;;=")
	f.Fuzz(func(t *testing.T, fmtp string) {
		o, err := ParseOfferedH264(96, fmtp)
		if err != nil {
			return
		}
		for _, stream := range []ProfileLevelID{{0x42, 0xe0, 0x1f}, {0x64, 0, 0x28}, o.Profile} {
			if chosen, err := ChooseH264(stream, []OfferedH264{o}); err == nil && chosen != o {
				t.Fatalf("chose %+v, which was not offered", chosen)
			}
		}
	})
}
