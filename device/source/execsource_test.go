package source

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/device/source/demux"
	"github.com/sightline-rtc/sightline/protocol"
)

func TestCommandsByteStreamAndTransportStreamAreShown(t *testing.T) {
	needFFmpeg(t)
	const live = "exec:ffmpeg -v error -re -f lavfi -i testsrc2=size=128x96:rate=25 -f lavfi -i sine=frequency=440 "
	for form, want := range map[string]struct {
		codec media.Codec
		sound bool
	}{
		"-map 0:v -c:v libx264 -preset ultrafast -tune zerolatency -g 25 -f h264 -":                                            {media.CodecH264, false},
		"-map 0:v -c:v libx265 -preset ultrafast -tune zerolatency -x265-params log-level=none:keyint=25 -f hevc -":            {media.CodecH265, false},
		"-c:v libx264 -preset ultrafast -tune zerolatency -g 25 -c:a libopus -flush_packets 1 -pes_payload_size 0 -f mpegts -": {media.CodecH264, true},
	} {
		t.Run(form, func(t *testing.T) {
			out := newSink()
			out.wait(t, runSource(t, openSource(t, live+form, nil), out), func() bool {
				return len(out.units) >= 40 && (!want.sound || len(out.sound) >= 50)
			})
			out.mu.Lock()
			defer out.mu.Unlock()
			if got := out.started[0]; got.Codec != want.codec || (got.Sound != nil) != want.sound || !out.units[0].Key {
				t.Errorf("announced %+v, the first picture is a keyframe: %t", got, out.units[0].Key)
			}
			for i, u := range out.units[1:] {
				if step := u.PTS - out.units[i].PTS; step <= 0 || step > time.Second {
					t.Errorf("picture %d comes %s after the one before", i+1, step)
				}
			}
		})
	}
}

func TestCommandsPicturesOutOfOrderAreNoted(t *testing.T) {
	needFFmpeg(t)
	const live = "exec:ffmpeg -v error -re -f lavfi -i testsrc2=size=128x96:rate=25 -map 0:v -c:v libx264 -preset ultrafast " +
		"-bf 3 -b_strategy 0 -x264-params b-pyramid=normal:keyint=25 -f h264 -"
	out := newSink()
	out.wait(t, runSource(t, openSource(t, live, nil), out), func() bool { return len(out.started) > 1 && len(out.units) > 3 })
	out.mu.Lock()
	defer out.mu.Unlock()
	if n := out.started[1].Notes; len(out.started) != 2 || len(n) != 1 || n[0].Code != protocol.NoteSourceQuirk {
		t.Errorf("announced %+v, want one note of the order, once", out.started)
	}
}

// What comes as fast as it can be read is shown in the time that it says.
func TestCommandThatDoesNotKeepTimeIsHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &leash{}
		begun := time.Now()
		for i := range 1000 {
			at := time.Duration(i) * 40 * time.Millisecond
			if got, err := l.take(t.Context(), demux.Frame{DTS: 7*time.Hour + at, PTS: 7*time.Hour + at}); err != nil || got != 7*time.Hour+at {
				t.Fatalf("got %s, %v", got, err)
			}
		}
		if took := time.Since(begun); took < 38*time.Second || took > 40*time.Second {
			t.Errorf("40 s took %s", took)
		}
		a := &arrivals{}
		begun = time.Now()
		for range 1000 {
			if _, err := a.take(t.Context(), demux.Frame{}); err != nil {
				t.Fatal(err)
			}
		}
		if took, want := time.Since(begun), 1000*time.Second/demux.MaxFPS; took < want-2*maxLead || took > want {
			t.Errorf("1000 pictures took %s, want about %s", took, want)
		}
	})
}

// A live stream that is on time is never held back, also when its clock is a little fast.
func TestLiveStreamIsNotHeldBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &leash{}
		for i := range 100_000 {
			asked := time.Now()
			if _, err := l.take(t.Context(), demux.Frame{DTS: time.Duration(i) * 40_020 * time.Microsecond}); err != nil {
				t.Fatal(err)
			}
			if held := time.Since(asked); held > 0 {
				t.Fatalf("picture %d was held back for %s", i, held)
			}
			time.Sleep(40 * time.Millisecond)
		}
	})
}

func TestArrivalsAreSmoothed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		a := &arrivals{}
		last := time.Duration(0)
		for i := range 500 {
			pts, err := a.take(t.Context(), demux.Frame{})
			if err != nil {
				t.Fatal(err)
			}
			if step := pts - last; i > 100 && (step < 33*time.Millisecond || step > 47*time.Millisecond) {
				t.Errorf("picture %d comes %s after the one before", i, step)
			}
			last = pts
			time.Sleep(40*time.Millisecond + time.Duration(i%2*2-1)*20*time.Millisecond)
		}
		if off := last - 499*40*time.Millisecond; off.Abs() > 100*time.Millisecond {
			t.Errorf("the times have run away by %s", off)
		}
	})
}

func TestCommandThatEndsSaysWhy(t *testing.T) {
	for line, words := range map[string][]string{
		`sh -c 'echo cannot open $0 >&2; exit 3' rtsp://admin:hunter2@camera/`: {"exec:sh", "exit status 3", "it said: cannot open rtsp://admin:…@camera/"},
		`sh -c 'kill -9 $$'`:               {"signal: killed"},
		`true`:                             {"the command ended after"},
		`echo no video`:                    {"nothing that can be played"},
		`cat ` + "/dev/zero":               {"nothing that can be played"},
		`sh -c 'yes | tr -d "\n"'`:         {"nothing that can be played"},
		`cat demux/testdata/h264_opus.mp4`: {"has to be read from a file"},
		`cat demux/testdata/tone.ogg`:      {"with sound only"},
		`sh -c 'env >&2; exit 1'`:          {"it said:"},
	} {
		t.Setenv("SIGHTLINE_ENROLL", "open sesame")
		err := openSource(t, "exec:"+line, nil).Run(t.Context(), newSink())
		for _, w := range words {
			if err == nil || !strings.Contains(err.Error(), w) {
				t.Errorf("%s: got %v, want %q", line, err, w)
			}
		}
		if err != nil && (strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "sesame")) {
			t.Errorf("%s: a secret is told: %v", line, err)
		}
	}
	if _, err := Open("exec:no-such-program-1 -x", Config{}); err == nil || !strings.Contains(err.Error(), `no program "no-such-program-1"`) {
		t.Errorf("got %v", err)
	}
}

// alive reports whether a process is there.
func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

// pids waits for n processes to write theirs into a file.
func pids(t *testing.T, path string, n int) []int {
	t.Helper()
	for limit := time.After(20 * time.Second); ; {
		b, _ := os.ReadFile(path) // It may not be there yet.
		var all []int
		for _, word := range strings.Fields(string(b)) {
			if pid, err := strconv.Atoi(word); err == nil {
				all = append(all, pid)
			}
		}
		if len(all) == n && strings.HasSuffix(string(b), "\n") {
			return all
		}
		select {
		case <-limit:
			t.Fatalf("got %q, want %d processes", b, n)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// gone waits for a process to be no more: a killed orphan is there until init has looked after it.
func gone(t *testing.T, pid int) {
	t.Helper()
	for limit := time.After(20 * time.Second); alive(pid) && state(pid) != "Z"; {
		select {
		case <-limit:
			t.Fatalf("process %d is still there", pid)
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// state is that of a process as the kernel shows it; Z is for one that has ended.
func state(pid int) string {
	b, _ := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(b), ") ")
	return rest[:min(1, len(rest))]
}

func TestCommandAndItsChildrenEndWithTheSource(t *testing.T) {
	for name, script := range map[string]string{
		"one that obeys":    `echo $$ >> $0; sleep 1000 & echo $! >> $0; wait`,
		"one that does not": `trap "" TERM; echo $$ >> $0; sh -c "trap \"\" TERM; sleep 1000" & echo $! >> $0; while :; do sleep 1; done`,
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "pids")
			ctx, cancel := context.WithCancel(t.Context())
			ended := make(chan error, 1)
			s := openSource(t, fmt.Sprintf("exec:sh -c '%s' %s", script, path), nil)
			go func() { ended <- s.Run(ctx, newSink()) }()
			all := pids(t, path, 2)
			cancel()
			if err := <-ended; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v", err)
			}
			for _, pid := range all {
				gone(t, pid)
			}
		})
	}
}

// A command that goes away and leaves a child that holds its output does not hold up the source.
func TestChildThatIsLeftDoesNotHoldTheSource(t *testing.T) {
	path := filepath.Join(t.TempDir(), "pids")
	s := openSource(t, fmt.Sprintf("exec:sh -c 'sleep 1000 & echo $! > %s; exit 4'", path), nil)
	err := s.Run(t.Context(), newSink())
	if err == nil || !strings.Contains(err.Error(), "exit status 4") {
		t.Errorf("got %v", err)
	}
	gone(t, pids(t, path, 1)[0])
}

// TestKilledAgentLeavesNoCommandBehind runs itself as the agent that is killed.
func TestKilledAgentLeavesNoCommandBehind(t *testing.T) {
	if path := os.Getenv("SOURCE_TEST_AGENT"); path != "" {
		t.Log(openSource(t, "exec:sh -c 'echo $$ > "+path+"; exec sleep 1000'", nil).Run(t.Context(), newSink()))
		return
	}
	path := filepath.Join(t.TempDir(), "pids")
	agent := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestKilledAgentLeavesNoCommandBehind$")
	agent.Env = append(os.Environ(), "SOURCE_TEST_AGENT="+path)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	pid := pids(t, path, 1)[0]
	if err := agent.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = agent.Wait() // It was killed.
	gone(t, pid)
}
