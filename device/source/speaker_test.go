package source

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
)

func openMouth(t *testing.T, spec string) Mouth {
	t.Helper()
	talker, err := openSpeaker(spec, nil)
	if err != nil {
		t.Fatal(err)
	}
	m, err := talker.Talk(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Close() })
	return m
}

func TestTalkReachesACommandAsLinearSamples(t *testing.T) {
	path := filepath.Join(t.TempDir(), "heard")
	m := openMouth(t, "exec:sh -c 'cat > "+path+"'")
	samples := []int{0, 1000, -1000, 20000}
	var payload []byte
	for _, s := range samples {
		payload = append(payload, muLaw(s))
	}
	if err := m.Write(media.AudioFrame{Payload: payload}); err != nil {
		t.Fatal(err)
	}
	heard := func() []byte { b, _ := os.ReadFile(path); return b } // It may not be there yet.
	for limit := time.After(20 * time.Second); len(heard()) < 2*len(samples); {
		select {
		case <-limit:
			t.Fatalf("the command heard %d bytes", len(heard()))
		case <-time.After(5 * time.Millisecond):
		}
	}
	for i, want := range samples {
		got := int(int16(binary.LittleEndian.Uint16(heard()[2*i:])))
		if off := got - want; off*off > want*want/400+4 { // 5 %, of what µ-law keeps
			t.Errorf("sample %d is %d, want %d", i, got, want)
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestTalkToACommandThatEndedFails(t *testing.T) {
	m := openMouth(t, "exec:false")
	for limit := time.After(20 * time.Second); m.Write(media.AudioFrame{Payload: make([]byte, 160)}) == nil; {
		select {
		case <-limit:
			t.Fatal("it goes on")
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// A command that does not read holds up nobody.
func TestTalkToACommandThatDoesNotReadIsBounded(t *testing.T) {
	m := openMouth(t, "exec:sleep 1000")
	for range 10_000 {
		if err := m.Write(media.AudioFrame{Payload: make([]byte, 160)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}

func TestLoudspeakerIsThatOfTheConfiguration(t *testing.T) {
	for talk, want := range map[string]int{"": 0, "off": 0, "exec:cat": 1} {
		c, err := OpenCamera(CameraConfig{Talk: talk})
		if err != nil {
			t.Fatal(err)
		}
		if got := len(c.TalkFormats()); got != want {
			t.Errorf("%q: got %d formats, want %d", talk, got, want)
		}
	}
}

func TestTalkSpecificationIsACommand(t *testing.T) {
	for spec, want := range map[string]string{
		"aplay": "write it as exec:COMMAND", "exec:": "a command must follow", "exec:no-such-program-2": "no program",
	} {
		if _, err := OpenCamera(CameraConfig{Talk: spec}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", spec, err, want)
		}
	}
}
