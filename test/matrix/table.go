//go:build linux

package matrix

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/test/natlab"
)

// WriteTable writes results as a table in Markdown that reads well as it is: a row for each type of the device, a column for
// each of the viewer, in a cell the means and the time to the path in milliseconds. Of several runs a cell has the worst.
func WriteTable(w io.Writer, results []Result) {
	devices := inOrder(results, natlab.AllTypes, func(r Result) natlab.Type { return r.Device })
	viewers := inOrder(results, append(slices.Clone(natlab.AllTypes), natlab.SameLAN, natlab.SameCarrier), func(r Result) natlab.Type { return r.Viewer })
	rows := [][]string{{"device \\ viewer"}}
	for _, v := range viewers {
		rows[0] = append(rows[0], string(v))
	}
	for _, d := range devices {
		row := []string{string(d)}
		for _, v := range viewers {
			row = append(row, cell(results, Pair{d, v}))
		}
		rows = append(rows, row)
	}
	writeRows(w, rows)
}

// inOrder returns the types that the results have.
func inOrder(results []Result, order []natlab.Type, of func(Result) natlab.Type) []natlab.Type {
	var found []natlab.Type
	for _, t := range order {
		if slices.ContainsFunc(results, func(r Result) bool { return of(r) == t }) {
			found = append(found, t)
		}
	}
	return found
}

func cell(results []Result, p Pair) string {
	var worst *Result
	for i, r := range results {
		if r.Device == p.Device && r.Viewer == p.Viewer && (worst == nil || badness(r) > badness(*worst)) {
			worst = &results[i]
		}
	}
	if worst == nil {
		return ""
	}
	text, at := string(worst.Means), worst.FirstPathMS
	if worst.Direct() {
		at = worst.DirectMS
	}
	if worst.Path == "" {
		text = "none"
	}
	if at != nil {
		text += fmt.Sprintf(" %.0f", *at)
	}
	if worst.Wrong != "" {
		text = "**" + text + "**"
	}
	return text
}

// badness orders the results of one pair.
func badness(r Result) float64 {
	switch {
	case r.Path == "":
		return 1e9
	case r.Wrong != "":
		return 1e8
	case r.Path == protocol.PathRelay:
		return 1e7
	case r.DirectMS != nil:
		return *r.DirectMS
	}
	return 0
}

// writeRows writes rows of equal length, the first of which is the head.
func writeRows(w io.Writer, rows [][]string) {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, text := range row {
			widths[i] = max(widths[i], len(text))
		}
	}
	line := func(row []string) {
		for i, text := range row {
			fmt.Fprintf(w, "| %-*s ", widths[i], text)
		}
		fmt.Fprintln(w, "|")
	}
	line(rows[0])
	dashes := make([]string, len(widths))
	for i, width := range widths {
		dashes[i] = strings.Repeat("-", width)
	}
	line(dashes)
	for _, row := range rows[1:] {
		line(row)
	}
}

// WriteSummary writes a summary for people, and what went wrong.
func WriteSummary(w io.Writer, results []Result) {
	s := Summarize(results)
	fmt.Fprintf(w, "%d pairs, %d connected, %d direct", s.Pairs, s.Connected, s.Direct)
	sep := ": "
	for _, m := range []protocol.Means{
		protocol.MeansICE, protocol.MeansPredicted, protocol.MeansMapped, protocol.MeansIPv6, protocol.MeansTCP, protocol.MeansRelay,
	} {
		if n := s.ByMeans[m]; n > 0 {
			fmt.Fprintf(w, "%s%s %d", sep, m, n)
			sep = ", "
		}
	}
	fmt.Fprintf(w, ".\nFirst path p95 %.0f ms: %.0f ms where it is direct, %.0f ms where it is relayed, %.0f ms at a second visit of those. Direct path p95 %.0f ms.\n",
		s.FirstPathP95MS, s.FirstDirectP95MS, s.FirstRelayedP95MS, s.RevisitP95MS, s.DirectP95MS)
	fmt.Fprintf(w, "Allocations at the relay: %d of %d relayed sessions, %d of %d direct ones.\n",
		s.AllocationsRelayed, s.Connected-s.Direct, s.AllocationsDirect, s.Direct)
	if s.UpgradeMaxMS > 0 {
		fmt.Fprintf(w, "Upgrades took %.0f ms at most once the way was free, with a gap of %.0f ms at most and %d ICE restarts.\n", s.UpgradeMaxMS, s.GapMaxMS, s.LateRestarts)
	}
	for _, r := range results {
		if r.Wrong != "" {
			fmt.Fprintf(w, "- %s to %s, run %d: %s\n", r.Device, r.Viewer, r.Run, r.Wrong)
		}
	}
}
