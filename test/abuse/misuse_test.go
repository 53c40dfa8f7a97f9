//go:build linux

package abuse

import (
	"bytes"
	"math/rand/v2"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/pion/rtcp"
	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// misuse has viewers who are connected do with their connection what they can: all at once, for some seconds.
func misuse(t *testing.T, s *scene, _ *watcher) {
	const lasts = 4 * time.Second
	// control makes the control channel; what it returns waits until that is open.
	control := func(pc *webrtc.PeerConnection) func() *webrtc.DataChannel {
		channel, err := pc.CreateDataChannel(protocol.ControlLabel, nil)
		if err != nil {
			t.Fatal(err)
		}
		open := make(chan struct{})
		channel.OnOpen(func() { close(open) })
		return func() *webrtc.DataChannel {
			select {
			case <-open:
			case <-time.After(patience):
				t.Error("the control channel does not open")
			}
			return channel
		}
	}
	// again says something until the channel or the time is over, and returns how often.
	again := func(say func() error) (n int) {
		for begun := time.Now(); time.Since(begun) < lasts && say() == nil; n++ {
		}
		return n
	}
	var deeds sync.WaitGroup
	deed := func(name string, as guise, do func(pc *webrtc.PeerConnection) int) {
		as.doomed = true
		if as.settings == nil {
			as.settings = func(*webrtc.SettingEngine) {}
		}
		w := s.watchAs(s.Viewer(), as)
		deeds.Go(func() { t.Logf("%s: %d times", name, do(w.pc)) })
	}
	for name, what := range map[string]func(*webrtc.DataChannel) error{
		"requests":      func(c *webrtc.DataChannel) error { return c.SendText(`{"type":"snapshot","id":1}`) },
		"large garbage": func(c *webrtc.DataChannel) error { return c.Send(bytes.Repeat([]byte("{"), protocol.MaxControlBytes)) },
	} {
		var opened func() *webrtc.DataChannel
		deed(name, guise{prepare: func(pc *webrtc.PeerConnection) { opened = control(pc) }}, func(*webrtc.PeerConnection) int {
			channel := opened()
			return again(func() error { return what(channel) })
		})
	}
	deed("channels", guise{prepare: func(pc *webrtc.PeerConnection) { control(pc) }}, func(pc *webrtc.PeerConnection) int {
		n := 0
		return again(func() error {
			n++
			_, err := pc.CreateDataChannel("channel "+strconv.Itoa(n), nil)
			return err
		})
	})
	deed("reports about everybody", guise{prepare: func(*webrtc.PeerConnection) {}}, func(pc *webrtc.PeerConnection) int {
		report := &rtcp.ReceiverReport{SSRC: 1, Reports: make([]rtcp.ReceptionReport, 31)}
		return again(func() error {
			for n := range report.Reports {
				report.Reports[n].SSRC = rand.Uint32() //nolint:gosec // it picks names, and no more
			}
			return pc.WriteRTCP([]rtcp.Packet{report})
		})
	})
	var unread func() *webrtc.DataChannel
	deed("snapshots that nobody reads", guise{
		settings: func(e *webrtc.SettingEngine) {
			e.DetachDataChannels() // and nobody takes them
			e.SetSCTPMaxReceiveBufferSize(32 << 10)
		},
		prepare: func(pc *webrtc.PeerConnection) { unread = control(pc) },
	}, func(*webrtc.PeerConnection) int {
		channel := unread()
		return again(func() error {
			pause(t.Context(), time.Second/protocol.ControlsPerSecond) // as fast as it may ask
			return channel.SendText(`{"type":"snapshot","id":1}`)
		})
	})
	deeds.Wait()
}
