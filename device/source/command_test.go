package source

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestCommandLinesSplitAsAShellDoes(t *testing.T) {
	for line, want := range map[string][]string{
		"ffmpeg -i clip.mkv -":      {"ffmpeg", "-i", "clip.mkv", "-"},
		`  a  "b c"  'd "e"' `:      {"a", "b c", `d "e"`},
		`a\ b "c\"d" 'e\f' g""h ''`: {"a b", `c"d`, `e\f`, "gh", ""},
		`sh -c 'a | b > "$c"'`:      {"sh", "-c", `a | b > "$c"`},
		"a;b $HOME *":               {"a;b", "$HOME", "*"},
		"":                          nil,
	} {
		got, err := splitWords(line)
		if diff := cmp.Diff(want, got); diff != "" || err != nil {
			t.Errorf("%q: %v %s", line, err, diff)
		}
	}
	for _, line := range []string{`a "b`, `a 'b`, `a \`} {
		if _, err := splitWords(line); err == nil || !strings.Contains(err.Error(), "within quotes") {
			t.Errorf("%q: got %v", line, err)
		}
	}
}

func FuzzCommandLine(f *testing.F) {
	f.Add(`ffmpeg -i "a b" 'c' \d -`)
	f.Fuzz(func(t *testing.T, line string) {
		words, err := splitWords(line)
		if err == nil && len(strings.Join(words, "")) > 3*len(line) { // A byte that is no UTF-8 becomes three.
			t.Errorf("%q became %q", line, words)
		}
	})
}

func TestSecretsOfACommandAreScrubbed(t *testing.T) {
	c := command{words: []string{"sh"}, secrets: secretsOf([]string{"-i", "rtsp://admin:hun%40ter2@camera/x", "a,b=http://u:second@h/"})}
	got := c.scrub("cannot open rtsp://admin:hun%40ter2@camera/x: hun@ter2 and second")
	if want := "cannot open rtsp://admin:…@camera/x: … and …"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPasswordsThatShouldHaveBeenEncodedAreScrubbedToo(t *testing.T) {
	for word, want := range map[string]string{
		"rtsp://admin:pa/ss@camera/x":       "rtsp://admin:…@camera/x",
		"rtsp://admin:p@ss@camera/x":        "rtsp://admin:…@camera/x",
		"rtsp://admin:pass@camera/a@b":      "rtsp://admin:…@b",
		"http://camera:8080/plain":          "http://camera:8080/plain",
		"rtsp://admin@camera/nobody":        "rtsp://admin@camera/nobody",
		"x=rtsp://a:one@h/,rtsp://b:two@h/": "x=rtsp://a:…@h/",
	} {
		c := command{words: []string{"sh"}, secrets: secretsOf([]string{word})}
		if got := c.scrub(word); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
		if got := c.scrub("401 for pass"); strings.Contains(word, ":pass@") && got != "401 for …" {
			t.Errorf("%s: got %q", word, got)
		}
	}
}

func TestSecretsAreScrubbedBeforeLinesAreCut(t *testing.T) {
	l := &lastWords{scrub: command{secrets: []string{"hunter2"}}.scrub}
	if _, err := l.Write([]byte(strings.Repeat("a", maxLineRunes-3) + "hunter2\n")); err != nil {
		t.Fatal(err)
	}
	if got, want := l.String(), strings.Repeat("a", maxLineRunes-3)+"…"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestWhatACommandSaidIsReserved(t *testing.T) {
	ended := &endedError{how: "the command ended after 1s: exit status 1", said: "no such user admin"}
	err := fmt.Errorf("source exec:sh: %w", errors.Join(ended, errUnreachable))
	if got, want := Reserved(err), "source exec:sh: "+ended.how+"\n"+errUnreachable.Error(); got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if !strings.Contains(err.Error(), "it said: no such user admin") {
		t.Errorf("the log has %q", err)
	}
}

func TestLastWordsAreBoundedAndPrintable(t *testing.T) {
	l := &lastWords{}
	for range 10_000 {
		if _, err := l.Write([]byte("no end of line, ")); err != nil {
			t.Fatal(err)
		}
	}
	if got := l.String(); len(got) > maxLineRunes+3 || len(l.kept) > maxLastBytes {
		t.Errorf("kept %d bytes, says %d", len(l.kept), len(got))
	}
	l = &lastWords{}
	for _, line := range []string{"first\n", "\n", "frame=1\rframe=2\rframe=3\r\n", "\x1b[31mred\x1b[0m\n", "\xff\xfe\n", "fifth", "\n"} {
		if _, err := l.Write([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if got, want := l.String(), "frame=3 / [31mred[0m / ? / fifth"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
