//go:build linux

package matrix

import (
	"bytes"
	"fmt"
	"os"
	"time"
)

// Report puts a run's table into a Markdown file between the lines `<!-- name -->` and `<!-- end of name -->`, in place of
// what is there. The command is what made it.
func Report(file, name, command string, at time.Time, results []Result) error {
	text, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return err
	}
	begin, end := fmt.Appendf(nil, "<!-- %s -->\n", name), fmt.Appendf(nil, "<!-- end of %s -->\n", name)
	head, rest, found := bytes.Cut(text, begin)
	_, tail, closed := bytes.Cut(rest, end)
	if !found || !closed {
		return fmt.Errorf("%s has no lines %q and %q", file, begin, end)
	}
	var out bytes.Buffer
	out.Write(head)
	out.Write(begin)
	fmt.Fprintf(&out, "`%s`, %s:\n\n", command, at.UTC().Format("2006-01-02 15:04 MST"))
	WriteTable(&out, results)
	out.WriteString("\n")
	WriteSummary(&out, results)
	out.Write(end)
	out.Write(tail)
	return os.WriteFile(file, out.Bytes(), 0o644) //nolint:gosec // a file of the source tree
}
