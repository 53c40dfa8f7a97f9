package media

import (
	"testing"
	"testing/synctest"
	"time"
)

// onWire counts bits with all headers below RTP.
func onWire(packets []packet) int {
	bytes := 0
	for _, p := range packets {
		bytes += len(p.Payload) + rtpHeaderBytes + wireBytes
	}
	return bytes * 8
}

// since returns the packets that came after a moment.
func since(packets []packet, moment time.Time) []packet {
	for n, p := range packets {
		if p.at.After(moment) {
			return packets[n:]
		}
	}
	return nil
}

func TestLimitHoldsAndPicturesStayWhole(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, seconds = 500_000, 20
		s := NewStream(Config{})
		c := &camera{stream: s, gop: 50, keySize: 20_000, size: 8_000} // 1.6 Mbit/s
		view, sub := watchStream(t, s)
		c.run(50)
		sub.pacer.SetLimit(limit)
		begin := time.Now()
		c.run(25 * seconds)
		limited := since(view.got(), begin)
		if got, most := onWire(limited), limit*seconds+limit/5; got > most || got < limit*seconds/2 {
			t.Errorf("bits in %d s: got %d, want up to %d", seconds, got, most)
		}
		all := pictures(t, view.got())
		gaps := 0
		for n := 1; n < len(all); n++ {
			if step := all[n].ts - all[n-1].ts; step > VideoClockRate/25*3/2 {
				gaps++
				if !all[n].key {
					t.Errorf("picture %d follows a gap and is no keyframe", n)
				}
			}
			if late := all[n].last.Sub(all[n].first); late > time.Second {
				t.Errorf("picture %d took %v", n, late)
			}
		}
		if gaps == 0 {
			t.Error("pictures left out: got none, want some")
		}
		sub.pacer.SetLimit(0)
		free := time.Now()
		c.run(100)
		if got, want := len(pictures(t, view.got())), len(all)+50; got < want {
			t.Errorf("pictures after %v without limit: got %d, want %d or more", time.Since(free), got, want)
		}
	})
}

func TestLimitedViewerStartsWithTheKeyframeAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStream(Config{})
		c := &camera{stream: s, gop: 250, keySize: 20_000, size: 8_000}
		c.run(100)
		view := &screen{}
		pacer := NewPacer()
		pacer.SetLimit(500_000)
		run(t, s.Subscribe(Options{Video: Track{Writer: view, SSRC: 7, PayloadType: 96}, Pacer: pacer}))
		c.run(100)
		if got := pictures(t, view.got()); len(got) != 1 {
			t.Errorf("pictures before the next keyframe: got %d, want the first alone", len(got))
		}
	})
}

func TestLimitCountsSoundAndRetransmissions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const limit, seconds, size = 100_000, 10, 200
		p := NewPacer()
		p.setTracks(1, 2)
		p.SetLimit(limit)
		passed := 0
		for range seconds * 100 {
			for ssrc := range uint32(3) {
				if p.Admit(2+ssrc, size+rtpHeaderBytes) {
					passed++
				}
			}
			time.Sleep(10 * time.Millisecond)
		}
		got := passed * (size + rtpHeaderBytes + wireBytes) * 8
		if most := limit*seconds + limit/2; got > most || got < limit*seconds*9/10 {
			t.Errorf("bits: got %d, want about %d", got, limit*seconds)
		}
	})
}
