package peer

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/pion/rtp"
)

func TestReorderPutsPacketsInTheirOrder(t *testing.T) {
	type in struct {
		sequence uint16
		after    time.Duration // since the one before
	}
	for name, test := range map[string]struct {
		packets []in
		want    []byte          // the sequence numbers, low bytes
		times   []time.Duration // nil: not looked at
	}{
		"in order":    {[]in{{1, 0}, {2, 20}, {3, 20}}, []byte{1, 2, 3}, []time.Duration{0, 20, 40}},
		"swapped":     {[]in{{1, 0}, {3, 20}, {2, 1}, {4, 20}}, []byte{1, 2, 3, 4}, []time.Duration{0, 20, 40, 60}},
		"repeated":    {[]in{{1, 0}, {1, 0}, {3, 0}, {3, 0}, {2, 0}}, []byte{1, 2, 3}, nil},
		"across zero": {[]in{{65535, 0}, {1, 20}, {0, 0}}, []byte{255, 0, 1}, []time.Duration{0, 20, 40}},
		"lost":        {[]in{{1, 0}, {3, 20}, {4, 20}, {5, 20}, {6, 20}, {7, 20}, {8, 20}}, []byte{1, 3, 4, 5, 6, 7, 8}, nil},
		"late":        {[]in{{1, 0}, {3, 20}, {4, 101}, {2, 0}, {5, 20}}, []byte{1, 3, 4, 5}, []time.Duration{0, 40, 60, 80}},
		"begun anew":  {[]in{{1, 0}, {40000, 20}, {40001, 20}}, []byte{1, 64, 65}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			r, now := reorder{clockRate: 8000}, time.Now()
			var got []byte
			var times []time.Duration
			for _, p := range test.packets {
				now = now.Add(p.after * time.Millisecond)
				packet := &rtp.Packet{
					Header:  rtp.Header{SequenceNumber: p.sequence, Timestamp: uint32(p.sequence) * 160},
					Payload: []byte{byte(p.sequence)},
				}
				if p.sequence == 0 || p.sequence == 1 && test.packets[0].sequence == 65535 { // the clock does not wrap there
					packet.Timestamp += 65536 * 160
				}
				for _, frame := range r.push(packet, now) {
					got = append(got, frame.Payload...)
					times = append(times, frame.PTS/time.Millisecond)
				}
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("played (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.times, times); test.times != nil && diff != "" {
				t.Errorf("times (-want +got):\n%s", diff)
			}
		})
	}
}

func FuzzReorder(f *testing.F) {
	f.Add([]byte{0, 1, 0, 2, 0, 4, 0, 3, 255, 255})
	f.Fuzz(func(t *testing.T, data []byte) {
		r, now, last := reorder{clockRate: 48000}, time.Now(), time.Duration(0)
		for n := 0; n+2 < len(data); n += 3 {
			p := &rtp.Packet{
				Header:  rtp.Header{SequenceNumber: uint16(data[n])<<8 | uint16(data[n+1]), Timestamp: uint32(data[n+1]) << 24},
				Payload: []byte{1},
			}
			now = now.Add(time.Duration(data[n+2]) * time.Millisecond)
			for _, frame := range r.push(p, now) {
				if frame.PTS < last {
					t.Fatalf("time goes back from %s to %s", last, frame.PTS)
				}
				last = frame.PTS
			}
			if len(r.waiting) > maxReorder {
				t.Fatalf("%d packets wait", len(r.waiting))
			}
		}
	})
}
