//go:build linux

package rig

import (
	"bytes"
	"fmt"
	"io"
	"regexp"
	"sync"
	"time"
)

// Log gathers what all programs of a rig say, line by line with the program's name and the time since the start, so
// that a failure can be read as one story. It is safe for concurrent use.
type Log struct {
	mu    sync.Mutex // guards lines
	lines bytes.Buffer
	start time.Time
}

// NewLog returns a log whose time begins now.
func NewLog() *Log { return &Log{start: time.Now()} }

// WriteTo writes all that was said so far and forgets it.
func (l *Log) WriteTo(w io.Writer) (int64, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.lines.WriteTo(w)
}

// Count returns how many of the lines that are kept match.
func (l *Log) Count(match *regexp.Regexp) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(match.FindAllIndex(l.lines.Bytes(), -1))
}

// Say adds a line of the measurement's own.
func (l *Log) Say(line string) { l.add("rig", []byte(line)) }

// from returns a writer for the words of one program.
func (l *Log) from(name string) io.Writer { return &voice{log: l, name: name} }

type voice struct {
	log  *Log
	name string

	mu   sync.Mutex // guards rest
	rest []byte     // a line that has not ended
}

func (v *voice) Write(b []byte) (int, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.rest = append(v.rest, b...)
	for {
		line, rest, ended := bytes.Cut(v.rest, []byte("\n"))
		if !ended {
			return len(b), nil
		}
		v.log.add(v.name, line)
		v.rest = rest
	}
}

func (l *Log) add(name string, line []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintf(&l.lines, "%8.3f %-8s %s\n", time.Since(l.start).Seconds(), name, line)
}
