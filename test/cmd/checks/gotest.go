package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os/exec"
	"slices"
	"strings"
)

// event is a line of `go test -json` (go doc test2json).
type event struct {
	Action  string
	Package string
	Test    string
	Elapsed float64
	Output  string
}

// goTest runs `go test` and counts its tests, subtests included. It shows one line for a package that passes and the
// whole output of each test that fails or is skipped.
func goTest(ctx context.Context, out io.Writer, args ...string) (tally, error) {
	cmd := exec.CommandContext(ctx, "go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = out
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return tally{}, err
	}
	if err := cmd.Start(); err != nil {
		return tally{}, err
	}
	t := count(stdout, out)
	return t, cmd.Wait()
}

// count reads events until they end.
func count(events io.Reader, out io.Writer) (t tally) {
	said := make(map[string][]string) // by package and test
	failed := make(map[string]bool)   // packages in which a test failed
	lines := bufio.NewScanner(events)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var e event
		if json.Unmarshal(lines.Bytes(), &e) != nil {
			fmt.Fprintln(out, lines.Text())
			continue
		}
		key := e.Package + " " + e.Test
		switch e.Action {
		case "output":
			said[key] = append(said[key], e.Output)
		case "build-output":
			fmt.Fprint(out, e.Output)
		case "pass", "fail", "skip":
			t = t.plus(judge(out, e, said, failed))
			delete(said, key)
		}
	}
	if err := lines.Err(); err != nil {
		fmt.Fprintf(out, "read the tests' output: %v\n", err)
		t.failed++
	}
	return t
}

func judge(out io.Writer, e event, said map[string][]string, failed map[string]bool) tally {
	words := strings.Join(said[e.Package+" "+e.Test], "")
	switch {
	case e.Test == "" && e.Action == "fail":
		return brokenPackage(out, e, said, failed[e.Package])
	case e.Test == "":
		if e.Action == "pass" {
			fmt.Fprintf(out, "ok   %s %.1f s\n", e.Package, e.Elapsed)
		}
		return tally{} // a package without tests is "skipped" in go test's words
	case e.Action == "fail":
		failed[e.Package] = true
		fmt.Fprint(out, words)
		return tally{failed: 1}
	case e.Action == "skip":
		fmt.Fprint(out, words)
		return tally{skipped: 1}
	}
	return tally{passed: 1}
}

// brokenPackage shows what is left of a package that failed. If none of its tests did, it is itself the failure: it does
// not build, it panicked, or it ran out of time in the middle of a test.
func brokenPackage(out io.Writer, e event, said map[string][]string, told bool) tally {
	fmt.Fprintf(out, "FAIL %s %.1f s\n", e.Package, e.Elapsed)
	for _, key := range slices.Sorted(maps.Keys(said)) {
		if strings.HasPrefix(key, e.Package+" ") {
			fmt.Fprint(out, strings.Join(said[key], ""))
			delete(said, key)
		}
	}
	if told {
		return tally{}
	}
	return tally{failed: 1}
}
