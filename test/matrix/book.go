//go:build linux

package matrix

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
)

// Book keeps results in a file, a line of JSON each, as soon as they are there, so that a long run may be broken off and go
// on later. It is not safe for concurrent use.
type Book struct {
	file    *os.File // nil: kept in memory only
	results []Result
}

// OpenBook reads the file, which need not exist, and goes on writing to it; an empty name keeps everything in memory. A last
// line that was broken off is refused like any other that is no result.
func OpenBook(name string) (*Book, error) {
	b := &Book{}
	if name == "" {
		return b, nil
	}
	if err := b.read(name); err != nil {
		return nil, fmt.Errorf("read the results in %s: %w", name, err)
	}
	var err error
	b.file, err = os.OpenFile(name, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644) //nolint:gosec // figures for everybody
	return b, err
}

func (b *Book) read(name string) error {
	file, err := os.Open(name) //nolint:gosec // the operator names it
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for n := 1; lines.Scan(); n++ {
		var r Result
		if err := json.Unmarshal(lines.Bytes(), &r); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
		if r.Device != "" { // a summary has none
			b.results = append(b.results, r)
		}
	}
	return lines.Err()
}

// Close closes the file.
func (b *Book) Close() error {
	if b.file == nil {
		return nil
	}
	return b.file.Close()
}

// Has says whether the result of a visit under these conditions is there.
func (b *Book) Has(p Pair, run int, c Conditions) bool {
	for _, r := range b.results {
		if r.is(p, run, c) {
			return true
		}
	}
	return false
}

// Add keeps a result.
func (b *Book) Add(r Result) error {
	b.results = append(b.results, r)
	if b.file == nil {
		return nil
	}
	line, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = b.file.Write(append(line, '\n'))
	return err
}

// Of returns the results of these pairs and so many runs under these conditions.
func (b *Book) Of(pairs []Pair, runs int, c Conditions) []Result {
	var found []Result
	for run := 1; run <= runs; run++ {
		for _, p := range pairs {
			for _, r := range b.results {
				if r.is(p, run, c) {
					found = append(found, r)
					break
				}
			}
		}
	}
	return found
}

func (r *Result) is(p Pair, run int, c Conditions) bool {
	return r.Device == p.Device && r.Viewer == p.Viewer && r.Run == run && r.Conditions == c
}
