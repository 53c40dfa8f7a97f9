package source

import (
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
