package media

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	main = protocol.RenditionMain
	sub  = protocol.RenditionSub
)

// pair is a camera of two renditions, whose clocks have nothing to do with each other, and a viewer of it.
type pair struct {
	t         *testing.T
	main, sub *camera
	// holds counts who holds each.
	holds map[protocol.RenditionName]int
	view  *screen
	sound *screen
	*Subscription
}

// newPair has keyframes every 25 pictures of both, half a group apart.
func newPair(t *testing.T, change ...func(*pair, *Options)) *pair {
	p := &pair{
		t:     t,
		main:  &camera{stream: NewStream(Config{}), gop: 25, keySize: 20_000, size: 3000},
		sub:   &camera{stream: NewStream(Config{}), gop: 25, keySize: 5_000, size: 500, n: 13, pts: time.Hour},
		holds: map[protocol.RenditionName]int{},
		view:  &screen{}, sound: &screen{},
	}
	opts := Options{Video: Track{Writer: p.view, SSRC: 7, PayloadType: 96}}
	for _, c := range change {
		c(p, &opts)
	}
	camera := Camera{Renditions: []Rendition{p.rendition(main, p.main), p.rendition(sub, p.sub)}}
	p.Subscription = camera.Subscribe(opts)
	run(t, p.Subscription)
	synctest.Wait()
	return p
}

func (p *pair) rendition(name protocol.RenditionName, c *camera) Rendition {
	return Rendition{Name: name, Stream: c.stream, Hold: func() func() {
		p.holds[name]++
		return func() { p.holds[name]-- }
	}}
}

// run writes n pictures of both; the sub stream's come 7 ms after the main stream's.
func (p *pair) run(n int) {
	for range n {
		p.main.write()
		time.Sleep(7 * time.Millisecond)
		p.sub.write()
		time.Sleep(frameTime - 7*time.Millisecond)
	}
	synctest.Wait()
}

// shows checks what is sent, what is to be sent, and who is held for that.
func (p *pair) shows(now, next protocol.RenditionName, mains, subs int) {
	p.t.Helper()
	if n, x := p.Showing(); n != now || x != next {
		p.t.Errorf("showing: got %q and %q next, want %q and %q", n, x, now, next)
	}
	if p.holds[main] != mains || p.holds[sub] != subs {
		p.t.Errorf("held: got %v, want %d times main and %d times sub", p.holds, mains, subs)
	}
}

// seams returns how often more than a frame lies between two pictures, and how many are of each size.
func seams(all []shown) (gaps, large, small int) {
	for i, p := range all {
		size := 0
		for _, nalu := range p.nalus {
			size += len(nalu)
		}
		if size >= 3000 && size != 5_000+len(highSPS)+len(highPPS) {
			large++
		} else {
			small++
		}
		if i == 0 {
			continue
		}
		if step := p.ts - all[i-1].ts; step > 3600*3/2 {
			gaps++
		}
	}
	return gaps, large, small
}

func TestRenditionsTurnAtAKeyframeWithUnbrokenNumbersAndTimes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.shows(main, "", 1, 0)
		p.run(60)
		p.Select(sub)
		synctest.Wait()
		p.shows(main, sub, 1, 1)
		p.run(30)
		p.shows(sub, "", 0, 1)
		p.Select(main)
		p.run(30)
		p.shows(main, "", 1, 0)
		all := pictures(t, p.view.got())
		gaps, large, small := seams(all)
		if gaps != 0 || len(all) < 119 || large < 60 || small < 20 {
			t.Errorf("got %d pictures with %d gaps, %d of main and %d of sub", len(all), gaps, large, small)
		}
		if got := p.Stats(); got.Dropped != 0 || got.Cuts != 0 {
			t.Errorf("got %+v, want nothing dropped", got)
		}
	})
}

func TestSmallerRenditionIsTakenFromItsCacheWhenItsKeyframeIsFar(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, func(p *pair, _ *Options) { p.sub.gop = 100; p.sub.n = 90 })
		p.run(60)
		p.Select(sub)
		p.run(2)
		p.shows(sub, "", 0, 1)
		pictures(t, p.view.got())
	})
}

func TestLargerRenditionWaitsForItsKeyframe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, func(p *pair, o *Options) { p.main.gop = 50; o.Start = sub })
		p.run(60)
		p.Select(main)
		p.run(30)
		p.shows(sub, main, 1, 1)
		p.run(15)
		p.shows(main, "", 1, 0)
		if gaps, _, _ := seams(pictures(t, p.view.got())); gaps != 0 {
			t.Errorf("got %d gaps, want none", gaps)
		}
	})
}

func TestKeyframeIsAskedForWhereTheSourceMakesOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, func(p *pair, o *Options) { p.main.gop = 10_000; o.Start = sub })
		p.main.stream.SetKeyframer(func() { p.main.n = 0 })
		p.run(60)
		p.Select(main)
		synctest.Wait()
		p.run(2)
		p.shows(main, "", 1, 0)
	})
}

func TestSilentRenditionIsGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turned := 0
		p := newPair(t, func(_ *pair, o *Options) { o.Turned = func() { turned++ } })
		p.main.run(50)
		p.Select(sub)
		p.main.run(int((silentFor + time.Second) / frameTime))
		p.shows(main, "", 1, 0)
		if turned != 1 {
			t.Errorf("told %d times, want once", turned)
		}
		if gaps, _, _ := seams(pictures(t, p.view.got())); gaps != 0 {
			t.Errorf("got %d gaps, want none", gaps)
		}
	})
}

func TestChangeOfMindLetsTheTargetGo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t)
		p.main.run(10)
		p.Select(sub)
		p.Select(main)
		p.Select("other")
		synctest.Wait()
		p.shows(main, "", 1, 0)
		p.Close()
		synctest.Wait()
		if p.holds[main] != 0 {
			t.Errorf("held after the end: %v", p.holds)
		}
		p.Select(sub)
		synctest.Wait()
		if p.holds[sub] != 0 || p.main.stream.Stats().Viewers+p.sub.stream.Stats().Viewers != 0 {
			t.Error("a viewer that has ended came back")
		}
	})
}

func TestSoundTurnsWithThePictureOrStays(t *testing.T) {
	pcmu := &AudioFormat{Codec: CodecPCMU, ClockRate: 8000, Channels: 1}
	for name, test := range map[string]struct {
		sound      *AudioFormat
		mains, got int
	}{
		"both sound":   {pcmu, 0, 1},
		"one is quiet": {nil, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newPair(t, func(p *pair, o *Options) {
					p.main.stream.Restarted(pcmu)
					p.sub.stream.Restarted(test.sound)
					o.Audio = Track{Writer: p.sound, SSRC: 8, PayloadType: 0}
				})
				for range 90 {
					if p.main.n == 30 {
						p.Select(sub)
					}
					p.run(1)
					for _, c := range []*camera{p.main, p.sub} {
						c.stream.WriteAudio(AudioFrame{Payload: make([]byte, 320), PTS: c.pts})
					}
				}
				p.shows(sub, "", test.mains, 1)
				sounds := p.sound.got()
				if len(sounds) < 88 {
					t.Fatalf("got %d frames of sound, want 90", len(sounds))
				}
				for i := 1; i < len(sounds); i++ {
					step := sounds[i].Timestamp - sounds[i-1].Timestamp
					if step < 320/2 || step > 320*3/2 || sounds[i].SequenceNumber != sounds[i-1].SequenceNumber+1 {
						t.Errorf("frame %d of the sound comes after %d ticks", i, step)
					}
				}
			})
		})
	}
}

// Whatever keyframe comes first is shown; the other rendition follows when it can.
func TestColdCameraShowsWhatComesFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newPair(t, func(_ *pair, o *Options) { o.Start = sub })
		p.Select(main)
		p.sub.n = 0
		p.sub.run(10)
		p.shows(sub, main, 1, 1)
		p.main.run(1)
		p.shows(main, "", 1, 0)
	})
}
