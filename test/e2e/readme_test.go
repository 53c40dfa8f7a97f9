//go:build linux

package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/sightline-rtc/sightline/test/natlab"
)

// readme runs the commands of README.md as they stand there, each on the host where a reader would type it.
type readme struct {
	*stage
	dir string // where the reader sits: a fresh folder with bin in it
	// words are what the reader puts in place of the names in capitals.
	words map[string]string
}

func TestEveryCommandOfTheREADMEWorks(t *testing.T) {
	text := string(need(os.ReadFile("../../README.md"))(t))
	r := newReadme(t)
	for _, command := range shellLines(text) {
		t.Log(command)
		r.run(command)
	}
	link := regexp.MustCompile("`(http://HUB:8080/watch/DEVICE#token=TOKEN)`").FindStringSubmatch(text)
	if link == nil {
		t.Fatal("README does not say where the picture is")
	}
	r.live(r.open("viewer", r.fill(link[1])), "direct")
	r.scriptsAreServed(text)
}

func newReadme(t *testing.T) *readme {
	t.Helper()
	s := bare(t)
	camera := need(s.RTSPCamera(t.Context()))(t)
	dir := t.TempDir()
	must(t, os.Symlink(need(filepath.Abs("../../bin"))(t), filepath.Join(dir, "bin")))
	return &readme{stage: s, dir: dir, words: map[string]string{
		"rtsp://USER:PASSWORD@CAMERA/stream": camera.URL,
		"HUB":                                s.Server.Addr.String(),
	}}
}

// run knows every command that README.md may have. What builds and shows is proved elsewhere: `make test` begins with the
// build, and the demo has a test of its own.
func (r *readme) run(command string) {
	r.t.Helper()
	switch {
	case strings.HasPrefix(command, "git clone "), strings.HasPrefix(command, "cd "):
	case strings.HasPrefix(command, "make "):
		must(r.t, exec.CommandContext(r.t.Context(), "make", "-C", "../..", "--dry-run", strings.TrimPrefix(command, "make ")).Run())
	case strings.HasPrefix(command, "bin/sightline serve "):
		r.start(r.Server, command)
	case strings.HasPrefix(command, "bin/sightline-agent run "):
		r.words["DEVICE"] = fmt.Sprint(r.start(r.Camera, command)["device"])
	case strings.HasPrefix(command, "bin/sightline enroll create "):
		r.words["CODE"] = r.answer(command)
	case strings.HasPrefix(command, "bin/sightline token create "):
		r.words["TOKEN"] = r.answer(command)
	default:
		r.t.Errorf("README has a command that this test does not know: %s", command)
	}
}

// start runs a command that lasts and returns its ready line.
func (r *readme) start(host *natlab.Host, command string) (ready map[string]any) {
	r.t.Helper()
	cmd := r.shell(context.WithoutCancel(r.t.Context()), host, "exec "+command)
	stdout := need(cmd.StdoutPipe())(r.t)
	must(r.t, cmd.Start())
	r.t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		_ = cmd.Wait()
	})
	line := need(bufio.NewReader(stdout).ReadBytes('\n'))(r.t)
	must(r.t, json.Unmarshal(line, &ready))
	return ready
}

// answer runs a command on the server and returns the one thing it prints.
func (r *readme) answer(command string) string {
	r.t.Helper()
	return strings.TrimSpace(string(need(r.shell(r.t.Context(), r.Server, command).Output())(r.t)))
}

func (r *readme) shell(ctx context.Context, host *natlab.Host, command string) *exec.Cmd {
	cmd := host.Command(ctx, "sh", "-c", r.fill(command))
	cmd.Dir, cmd.Stderr = r.dir, r.t.Output()
	return cmd
}

func (r *readme) fill(text string) string {
	var pairs []string
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(r.words))) { // of two that begin alike the longer one first
		pairs = append(pairs, name, r.words[name])
	}
	return strings.NewReplacer(pairs...).Replace(text)
}

// scriptsAreServed checks that a page which embeds the element as README says gets its script.
func (r *readme) scriptsAreServed(text string) {
	r.t.Helper()
	client := http.Client{Transport: &http.Transport{DialContext: r.Viewer.Dial}, Timeout: soon}
	for _, m := range regexp.MustCompile(`src="https://HUB(/[^"]+)"`).FindAllStringSubmatch(text, -1) {
		url := fmt.Sprintf("http://%s:8080%s", r.words["HUB"], m[1])
		response := need(client.Do(need(http.NewRequestWithContext(r.t.Context(), http.MethodGet, url, http.NoBody))(r.t)))(r.t)
		_ = response.Body.Close()
		if kind := response.Header.Get("Content-Type"); response.StatusCode != http.StatusOK || !strings.Contains(kind, "javascript") {
			r.t.Errorf("%s is %d %s, want the script that README embeds", m[1], response.StatusCode, kind)
		}
	}
}

// shellLines returns the commands of a document's sh blocks, without their comments.
func shellLines(text string) (commands []string) {
	comment := regexp.MustCompile(`\s+# .*$`)
	for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(text, -1) {
		for line := range strings.Lines(block[1]) {
			if line = strings.TrimSpace(comment.ReplaceAllString(strings.TrimRight(line, "\n"), "")); line != "" {
				commands = append(commands, line)
			}
		}
	}
	return commands
}
