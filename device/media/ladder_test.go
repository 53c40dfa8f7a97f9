package media

import (
	"errors"
	"strconv"
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

func offers(lines ...string) []Offered {
	var all []Offered
	for _, line := range lines {
		number, fmtp, _ := strings.Cut(line, " ")
		pt := 0
		for _, digit := range number {
			pt = pt*10 + int(digit-'0')
		}
		o, err := ParseOffered(uint8(pt), "H264", fmtp)
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
		offer  []Offered
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
			got, err := Choose([]Format{{Codec: CodecH264, Profile: stream}}, test.offer)
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
		offer []Offered
		words []string
	}{
		"nothing":           {nil, []string{"H.264 High (640028)", "no video format"}},
		"only mode 0":       {offers("97 profile-level-id=42e01f"), []string{"High", "42e01f", "mode 0"}},
		"only what differs": {offers("97 profile-level-id=4d001f;packetization-mode=1"), []string{"Main (4d001f) in mode 1"}},
	} {
		_, err := Choose([]Format{{Codec: CodecH264, Profile: ProfileLevelID{0x64, 0, 0x28}}}, test.offer)
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

func TestOfferWithoutParametersHasTheDefaultsOfItsFormat(t *testing.T) {
	for encoding, want := range map[string]Offered{
		"H264": {PayloadType: 97, Codec: CodecH264, Profile: ProfileLevelID{0x42, 0, 0x0a}},
		"h265": {PayloadType: 97, Codec: CodecH265, H265: H265Profile{Profile: 1, Level: 93}},
		"VP8":  {PayloadType: 97, Codec: CodecVP8},
		"VP9":  {PayloadType: 97, Codec: CodecVP9},
		"AV1":  {PayloadType: 97, Codec: CodecAV1, AV1: AV1Profile{Level: 5}},
	} {
		got, err := ParseOffered(97, encoding, "")
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("%s: got %+v, want %+v", encoding, got, want)
		}
	}
	if _, err := ParseOffered(97, "rtx", "apt=96"); err == nil {
		t.Error("retransmissions were taken for pictures")
	}
}

// What Chromium and Safari offer besides H.264.
var modern = append(other("96 VP8", "98 VP9 profile-id=0", "100 VP9 profile-id=2", "45 AV1 level-idx=5;profile=0;tier=0",
	"49 H265 level-id=120;profile-id=1;tier-flag=0;tx-mode=SRST", "51 H265 level-id=120;profile-id=2;tier-flag=0;tx-mode=SRST"), chromium...)

func other(lines ...string) (all []Offered) {
	for _, line := range lines {
		parts := append(strings.SplitN(line, " ", 3), "")
		pt, err := strconv.Atoi(parts[0])
		if err != nil {
			panic(err)
		}
		o, err := ParseOffered(uint8(pt), parts[1], parts[2])
		if err != nil {
			panic(err)
		}
		all = append(all, o)
	}
	return all
}

func TestLaddersOfTheOtherCodecs(t *testing.T) {
	main := H265Profile{Profile: 1, Compatible: 0x60000000, Level: 120}
	higher, high, main10 := main, main, main
	higher.Level, high.HighTier = 123, true
	main10.Profile, main10.Compatible = 2, 0x20000000
	for name, test := range map[string]struct {
		stream Format
		offer  []Offered
		want   uint8 // 0 means that it is refused
	}{
		"H.265 Main":                        {Format{Codec: CodecH265, H265: main}, modern, 49},
		"H.265 Main under Main 10":          {Format{Codec: CodecH265, H265: main}, other("51 H265 level-id=120;profile-id=2"), 51},
		"H.265 Main 10":                     {Format{Codec: CodecH265, H265: main10}, modern, 51},
		"H.265 Main 10 where there is Main": {Format{Codec: CodecH265, H265: main10}, other("49 H265 level-id=120"), 0},
		"H.265 over the level":              {Format{Codec: CodecH265, H265: higher}, modern, 0},
		"H.265 over the tier":               {Format{Codec: CodecH265, H265: high}, modern, 0},
		"H.265 in the high tier":            {Format{Codec: CodecH265, H265: high}, other("7 H265 level-id=120;tier-flag=1"), 7},
		"H.265 where there is none":         {Format{Codec: CodecH265, H265: main}, chromium, 0},
		"VP8":                               {Format{Codec: CodecVP8}, modern, 96},
		"VP8 where there is none":           {Format{Codec: CodecVP8}, safari, 0},
		"VP9":                               {Format{Codec: CodecVP9}, modern, 98},
		"VP9 of 10 bits":                    {Format{Codec: CodecVP9, VP9: 2}, modern, 100},
		"VP9 in 4:4:4":                      {Format{Codec: CodecVP9, VP9: 1}, modern, 0},
		"AV1":                               {Format{Codec: CodecAV1, AV1: AV1Profile{Level: 5}}, modern, 45},
		"AV1 over the level":                {Format{Codec: CodecAV1, AV1: AV1Profile{Level: 9}}, modern, 45},
		"AV1 within the level":              {Format{Codec: CodecAV1, AV1: AV1Profile{Level: 9}}, other("45 AV1", "46 AV1 level-idx=9"), 46},
		"AV1 under a higher profile":        {Format{Codec: CodecAV1}, other("45 AV1 profile=1"), 45},
		"AV1 High where there is Main":      {Format{Codec: CodecAV1, AV1: AV1Profile{Profile: 1}}, modern, 0},
	} {
		got, err := Choose([]Format{test.stream}, test.offer)
		if refused := errors.Is(err, protocol.Errorf(protocol.CodeCodec, "")); refused != (test.want == 0) || got.PayloadType != test.want {
			t.Errorf("%s: got payload type %d and %v, want %d", name, got.PayloadType, err, test.want)
		}
	}
}

func TestRenditionsShareOnePayloadTypeWhereTheyCan(t *testing.T) {
	high, main := Format{Codec: CodecH264, Profile: ProfileLevelID{0x64, 0, 0x28}}, Format{Codec: CodecH264, Profile: ProfileLevelID{0x4d, 0, 0x1e}}
	simple, hevc := Format{Codec: CodecH264, Profile: ProfileLevelID{0x42, 0xe0, 0x1e}}, Format{Codec: CodecH265, H265: H265Profile{Profile: 1, Level: 153}}
	for name, test := range map[string]struct {
		renditions []Format
		offer      []Offered
		want       uint8
		covered    []bool
	}{
		"both alike":                         {[]Format{high, high}, safari, 96, []bool{true, true}},
		"the lesser is simpler":              {[]Format{high, main}, safari, 96, []bool{true, true}},
		"the lesser asks for more":           {[]Format{simple, high}, safari, 96, []bool{true, true}},
		"a browser that decodes all":         {[]Format{simple, high}, chromium, 109, []bool{true, true}},
		"the best cannot be decoded":         {[]Format{hevc, simple}, modern, 109, []bool{false, true}},
		"the lesser cannot be decoded":       {[]Format{simple, hevc}, modern, 109, []bool{true, false}},
		"the lesser is of another codec":     {[]Format{simple, {Codec: CodecVP8}}, modern, 109, []bool{true, false}},
		"the best is not known":              {[]Format{{}, simple}, modern, 109, []bool{false, true}},
		"the lesser is not known":            {[]Format{simple, {}}, modern, 109, []bool{true, false}},
		"the viewer decodes only the lesser": {[]Format{hevc, {Codec: CodecVP8}}, other("96 VP8"), 96, []bool{false, true}},
	} {
		agreed, err := Choose(test.renditions, test.offer)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		for i, f := range test.renditions {
			if got := agreed.Covers(f); got != test.covered[i] {
				t.Errorf("%s: rendition %d is covered: %t, want %t", name, i, got, test.covered[i])
			}
		}
		if agreed.PayloadType != test.want {
			t.Errorf("%s: got payload type %d, want %d", name, agreed.PayloadType, test.want)
		}
	}
}

func TestRefusalNamesAllThatTheCameraHas(t *testing.T) {
	_, err := Choose([]Format{{Codec: CodecH265, H265: H265Profile{Profile: 1, Level: 153}}, {Codec: CodecVP9, VP9: 1}},
		other("96 VP8", "45 AV1 level-idx=8", "49 H265 level-id=93;tier-flag=1"))
	const want = "the camera sends H.265 Main level 5.1 and VP9 profile 1; the viewer takes VP8, AV1 Main level 4.0, H.265 Main level 3.1 high tier"
	if err == nil || !strings.Contains(err.Error(), want) {
		t.Errorf("got %v, want %q", err, want)
	}
}

func FuzzOffered(f *testing.F) {
	f.Add("H264", "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42e01f")
	f.Add("H264", "profile-level-id=;packetization-mode=9;;=")
	f.Add("H265", "level-id=120;profile-id=1;tier-flag=0;tx-mode=SRST")
	f.Add("AV1", "level-idx=5;profile=0;tier=0")
	f.Add("vp9", "profile-id=2")
	f.Fuzz(func(t *testing.T, encoding, fmtp string) {
		o, err := ParseOffered(96, encoding, fmtp)
		if err != nil {
			return
		}
		for _, stream := range []Format{
			{Codec: CodecH264, Profile: ProfileLevelID{0x42, 0xe0, 0x1f}},
			{Codec: CodecH264, Profile: o.Profile},
			{Codec: CodecH265, H265: o.H265},
			{Codec: CodecVP9, VP9: o.VP9},
			{Codec: CodecAV1, AV1: o.AV1},
		} {
			chosen, err := Choose([]Format{stream}, []Offered{o})
			if err == nil && (chosen.Offered != o || !chosen.Covers(stream)) {
				t.Fatalf("chose %+v, which was not offered", chosen)
			}
		}
	})
}
