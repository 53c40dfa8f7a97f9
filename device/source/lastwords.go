package source

import (
	"bytes"
	"strings"
	"sync"
	"unicode"
)

// Bounds of what is kept of a program's complaints.
const (
	maxLastBytes = 4 << 10
	maxLastLines = 4
	maxLineRunes = 200
)

// lastWords keeps the end of what is written to it. It is safe for concurrent use.
type lastWords struct {
	// scrub takes secrets out of what is told; nil leaves all.
	scrub func(string) string

	mu   sync.Mutex // guards kept
	kept []byte
}

// Write implements io.Writer. It never fails.
func (l *lastWords) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.kept = append(l.kept, p[max(0, len(p)-maxLastBytes):]...)
	if over := len(l.kept) - maxLastBytes; over > 0 {
		l.kept = append(l.kept[:0], l.kept[over:]...)
	}
	return len(p), nil
}

// String returns the last lines as one, without what is not to be printed. A line that was written over, as progress is,
// counts as its last state.
func (l *lastWords) String() string {
	l.mu.Lock()
	text := string(bytes.ToValidUTF8(l.kept, []byte("?")))
	l.mu.Unlock()
	if l.scrub != nil {
		text = l.scrub(text) // before lines are cut, and secrets with them
	}
	var lines []string
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\r\n")
		line = line[strings.LastIndexByte(line, '\r')+1:]
		line = strings.TrimSpace(strings.Map(func(r rune) rune {
			if !unicode.IsPrint(r) {
				return -1
			}
			return r
		}, line))
		if line == "" {
			continue
		}
		if runes := []rune(line); len(runes) > maxLineRunes {
			line = string(runes[:maxLineRunes]) + "…"
		}
		lines = append(lines, line)
	}
	return strings.Join(lines[max(0, len(lines)-maxLastLines):], " / ")
}
