package source

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"
)

// commandGrace is how long a command may take to end by itself once it is told to; it is killed then, with all that it
// started.
const commandGrace = 2 * time.Second

// command is a program with its arguments, as a specification names it.
type command struct {
	words []string
	// secrets are the passwords in URLs among the words, as they stand there and decoded.
	secrets []string
}

// parseCommand splits a command line into words, as a shell does: at blanks, except between quotes and after a backslash.
// Nothing else has a meaning, and no shell is run.
func parseCommand(line string) (command, error) {
	words, err := splitWords(line)
	if err != nil {
		return command{}, err
	}
	if len(words) == 0 || words[0] == "" {
		return command{}, errors.New("a command must follow, as in exec:ffmpeg -re -i clip.mkv -c copy -f mpegts -")
	}
	if _, err := exec.LookPath(words[0]); err != nil {
		return command{}, fmt.Errorf("there is no program %q that can be run", words[0])
	}
	return command{words, secretsOf(words)}, nil
}

func splitWords(line string) ([]string, error) {
	var s splitter
	for _, r := range line {
		s.take(r)
	}
	if s.quote != 0 || s.escaped {
		return nil, errors.New("the command line ends within quotes")
	}
	s.end()
	return s.words, nil
}

// splitter takes a command line letter by letter.
type splitter struct {
	words []string
	word  strings.Builder
	// quote is the one that is open, 0 for none; inWord tells that there is a word, though it may be empty.
	quote           rune
	escaped, inWord bool
}

func (s *splitter) take(r rune) {
	switch {
	case s.escaped:
		s.word.WriteRune(r)
		s.escaped = false
	case r == '\\' && s.quote != '\'':
		s.escaped, s.inWord = true, true
	case s.quote == r:
		s.quote = 0
	case s.quote != 0:
		s.word.WriteRune(r)
	case r == '\'' || r == '"':
		s.quote, s.inWord = r, true
	case r == ' ' || r == '\t' || r == '\n':
		s.end()
	default:
		s.word.WriteRune(r)
		s.inWord = true
	}
}

// end ends the word, if there is one.
func (s *splitter) end() {
	if s.inWord {
		s.words = append(s.words, s.word.String())
		s.word.Reset()
	}
	s.inWord = false
}

// userinfo finds the password of a URL, wherever it stands in a word; unescaped finds one that has characters which should
// have been percent-encoded, and with it what may be more.
var (
	userinfo  = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/@\s:]*:([^/@\s]+)@`)
	unescaped = regexp.MustCompile(`[A-Za-z][A-Za-z0-9+.-]*://[^/@\s:]*:(\S+)@`)
)

// leastPart is how long what stands before the first of several @ must be to be taken for a password: with one letter gone
// from everywhere, nobody could read what is left.
const leastPart = 4

// secretsOf lists the longer ones first, which may have others in them.
func secretsOf(words []string) []string {
	var secrets []string
	add := func(secret string) {
		secrets = append(secrets, secret)
		if plain, err := url.PathUnescape(secret); err == nil {
			secrets = append(secrets, plain)
		}
	}
	for _, word := range words {
		for _, match := range unescaped.FindAllStringSubmatch(word, -1) {
			add(match[1])
		}
		for _, match := range userinfo.FindAllStringSubmatch(word, -1) {
			if len(match[1]) >= leastPart {
				add(match[1])
			}
		}
	}
	slices.SortStableFunc(secrets, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(secrets)
}

// String names the command without its arguments, which may hold secrets.
func (c command) String() string { return filepath.Base(c.words[0]) }

// scrub takes the secrets out of a text.
func (c command) scrub(text string) string {
	for _, s := range c.secrets {
		text = strings.ReplaceAll(text, s, "…")
	}
	return text
}

// run runs the command until it ends or ctx is done: it is told to end then, and killed after commandGrace. Nothing that it
// started is left when run returns. Its ends of pipes, nil for none, are closed. The error says how it ended, and what it
// said last.
func (c command) run(ctx context.Context, stdin, stdout *os.File) error {
	// The kernel ends the command with the thread that started it, when the agent is killed. Go ends threads too; not this
	// one before the command.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	cmd := exec.CommandContext(ctx, c.words[0], c.words[1:]...)
	said := &lastWords{scrub: c.scrub}
	cmd.Stderr = said
	if stdin != nil {
		defer stdin.Close()
		cmd.Stdin = stdin
	}
	if stdout != nil {
		defer stdout.Close()
		cmd.Stdout = stdout
	}
	cmd.Env = slices.DeleteFunc(cmd.Environ(), func(v string) bool { return strings.HasPrefix(v, "SIGHTLINE_") })
	cmd.WaitDelay = commandGrace
	ownGroup(cmd)
	begun := time.Now()
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("the command cannot be run: %s", c.scrub(err.Error()))
	}
	for _, end := range []*os.File{stdin, stdout} {
		if end != nil {
			_ = end.Close() // It is the command's now.
		}
	}
	err := cmd.Wait()
	killGroup(cmd.Process)
	ended := &endedError{how: fmt.Sprintf("the command ended after %s", time.Since(begun).Round(100*time.Millisecond)), said: said.String()}
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		ended.how += ": " + exit.Error()
	case err != nil && !errors.Is(err, exec.ErrWaitDelay) && ctx.Err() == nil:
		ended.how += ": " + c.scrub(err.Error())
	}
	return ended
}

// endedError says how a command ended, and what it said last.
type endedError struct{ how, said string }

// Error implements error.
func (e *endedError) Error() string {
	if e.said == "" {
		return e.how
	}
	return e.how + "; it said: " + e.said
}

// Reserved says why a source is down without what a command said, which may be anything and is for the camera's owner.
func Reserved(err error) string {
	words := err.Error()
	var ended *endedError
	if errors.As(err, &ended) {
		words = strings.ReplaceAll(words, ended.Error(), ended.how)
	}
	return words
}
