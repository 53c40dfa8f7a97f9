//go:build linux

package e2e

import (
	"bufio"
	"context"
	"errors"
	"os"
	"regexp"
	"syscall"
	"testing"
)

func TestTheDemoShowsAPictureAndLeavesNothingBehind(t *testing.T) {
	s := enter(t)
	scratch := t.TempDir()
	demo := s.Viewer.Command(context.WithoutCancel(t.Context()), "make", "--silent", "-C", "../..", "demo")
	demo.Env = append(os.Environ(), "TMPDIR="+scratch)
	demo.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	demo.Stderr = t.Output()
	stdout := need(demo.StdoutPipe())(t)
	must(t, demo.Start())
	group := -demo.Process.Pid
	t.Cleanup(func() { _ = syscall.Kill(group, syscall.SIGKILL) })

	link := regexp.MustCompile(`http://\S+/watch/\S+#token=\S+`)
	var urls []string
	lines := bufio.NewScanner(stdout)
	for len(urls) == 0 && lines.Scan() {
		urls = append(urls, link.FindAllString(lines.Text(), -1)...)
	}
	if len(urls) != 1 {
		t.Fatalf("the demo printed %d URLs, want one", len(urls))
	}
	s.live(s.open("demo", urls[0]), "direct")

	must(t, syscall.Kill(group, syscall.SIGINT)) // what a terminal sends on Ctrl-C
	for lines.Scan() {
		if more := link.FindString(lines.Text()); more != "" {
			t.Errorf("the demo printed a second URL: %s", more)
		}
	}
	_ = demo.Wait() // make tells of the interruption by its status
	eventually(t, "the end of the demo's processes", func() (gone bool, err error) {
		return errors.Is(syscall.Kill(group, 0), syscall.ESRCH), nil
	}, func(gone bool) bool { return gone })
	if left := need(os.ReadDir(scratch))(t); len(left) > 0 {
		t.Errorf("the demo left %v behind", left)
	}
}
