package media

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp/codecs"
)

func TestPacketsComeBackAsTheSameNALUnits(t *testing.T) {
	for name, nalus := range map[string][][]byte{
		"one small":             {slice(0x41, 2, 1)},
		"just one packet":       {slice(0x41, maxPayload, 1)},
		"one byte over":         {slice(0x65, maxPayload+1, 1)},
		"two fragments exactly": {slice(0x65, 1+2*(maxPayload-2), 1)},
		"many fragments":        {slice(0x65, 100_001, 1)},
		"keyframe":              idr(20_000),
		"aggregate":             {highSPS, highPPS, slice(0x65, 500, 5)},
		"aggregate that fits":   {slice(0x41, 585, 1), slice(0x41, maxPayload-1-2-585-2, 3)},
		"one over an aggregate": {slice(0x41, 585, 1), slice(0x41, maxPayload-2-585-2, 3)},
		"slices":                {slice(0x41, 700, 1), slice(0x41, 700, 3), slice(0x41, 300, 5), slice(0x41, 5000, 7), slice(0x41, 9, 9)},
	} {
		t.Run(name, func(t *testing.T) {
			var depacketiser codecs.H264Packet
			var stream []byte
			for i, payload := range packetiseH264(nalus) {
				if len(payload) > maxPayload {
					t.Errorf("payload %d has %d bytes", i, len(payload))
				}
				part, err := depacketiser.Unmarshal(payload)
				if err != nil {
					t.Fatalf("payload %d: %v", i, err)
				}
				stream = append(stream, part...)
			}
			if diff := cmp.Diff(nalus, SplitAnnexB(stream)); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestFragmentsAreOfEqualSize(t *testing.T) {
	payloads := packetiseH264([][]byte{slice(0x65, maxPayload+10, 1)})
	if len(payloads) != 2 || len(payloads[0])-len(payloads[1]) > 1 {
		t.Errorf("got fragments of %d and %d bytes", len(payloads[0]), len(payloads[1]))
	}
}

func TestPacketisingAllocatesTwice(t *testing.T) {
	unit := idr(50_000)
	if got := testing.AllocsPerRun(100, func() { packetiseH264(unit) }); got > 2 {
		t.Errorf("got %v allocations an access unit, want 2", got)
	}
}
