package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
)

// vitest runs the tests of the web folder and reads vitest's own count.
func vitest(ctx context.Context, out io.Writer) (t tally, err error) {
	scratch, err := os.MkdirTemp("", "sightline-checks-")
	if err != nil {
		return tally{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	report := filepath.Join(scratch, "report.json")
	cmd := exec.CommandContext(ctx, "npx", "vitest", "run", "--reporter=default", "--reporter=json", "--outputFile.json="+report)
	cmd.Dir = "web"
	cmd.Stdout, cmd.Stderr = out, out
	failure := cmd.Run()
	b, err := os.ReadFile(report)
	if err != nil {
		return tally{}, errors.Join(failure, err)
	}
	t, err = countVitest(b)
	return t, errors.Join(failure, err)
}

// countVitest reads a report of vitest's JSON reporter.
func countVitest(report []byte) (tally, error) {
	var r struct {
		Success                                                       bool
		NumPassedTests, NumFailedTests, NumPendingTests, NumTodoTests int
	}
	if err := json.Unmarshal(report, &r); err != nil {
		return tally{}, fmt.Errorf("read vitest's report: %w", err)
	}
	t := tally{r.NumPassedTests, r.NumFailedTests, r.NumPendingTests + r.NumTodoTests}
	if !r.Success && t.failed == 0 {
		t.failed = 1 // a file that does not load has no tests to fail
	}
	return t, nil
}
