//go:build linux

package main

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/test/turnload"
)

// compareRow is one load, and what each server made of it in each round.
type compareRow struct {
	network, transport string
	up                 bool
	burst              int
	// direct is the same load without a server, by UDP.
	direct turnload.Result
	points map[string][]turnPoint
}

func (r *compareRow) name() string {
	direction := "down"
	if r.up {
		direction = "up"
	}
	return fmt.Sprintf("%s %s %s, bursts of %d", r.network, strings.ToUpper(r.transport), direction, r.burst)
}

// compareColumns are what is told of each server.
var compareColumns = []struct {
	title, format string
	value         func(*compareRow, turnPoint) float64
}{
	{"µs", "%.1f", func(_ *compareRow, p turnPoint) float64 { return p.report().CPUUSPerPacket }},
	{"loss", "%.2f %%", func(_ *compareRow, p turnPoint) float64 { return p.report().LossPct }},
	{"delay", "%.2f ms", (*compareRow).added},
}

// printComparison prints a table in Markdown.
func printComparison(out io.Writer, rows []*compareRow) error {
	names := []string{ours, coturn, pion}
	fmt.Fprint(out, "| load |")
	for _, c := range compareColumns {
		for _, name := range names {
			fmt.Fprintf(out, " %s %s |", name, c.title)
		}
	}
	fmt.Fprintf(out, " %s/%s | %s/%s |\n|%s\n", ours, coturn, ours, pion, strings.Repeat(" --- |", 1+len(compareColumns)*len(names)+2))
	for _, r := range rows {
		fmt.Fprintf(out, "| %s |", r.name())
		for _, c := range compareColumns {
			for _, name := range names {
				fmt.Fprintf(out, " %s |", r.middle(name, c.format, c.value))
			}
		}
		fmt.Fprintf(out, " %s | %s |\n", r.ratio(coturn), r.ratio(pion))
	}
	return nil
}

// added is by how much a server raises the p99 of the delay, in milliseconds.
func (r *compareRow) added(p turnPoint) float64 {
	return max(p.load.P99-r.direct.P99, 0).Seconds() * float64(time.Second/time.Millisecond)
}

// middle is the median of a server's rounds; a dash when it has none.
func (r *compareRow) middle(name, format string, value func(*compareRow, turnPoint) float64) string {
	var values []float64
	for _, p := range r.points[name] {
		values = append(values, value(r, p))
	}
	if len(values) == 0 {
		return "–"
	}
	return fmt.Sprintf(format, median(values))
}

// ratio is the median of the rounds' ratios of our CPU time to another server's.
func (r *compareRow) ratio(to string) string {
	var ratios []float64
	for i, p := range r.points[to] {
		if i < len(r.points[ours]) && p.report().CPUUSPerPacket > 0 {
			ratios = append(ratios, r.points[ours][i].report().CPUUSPerPacket/p.report().CPUUSPerPacket)
		}
	}
	if len(ratios) == 0 {
		return "–"
	}
	return fmt.Sprintf("%.2f", median(ratios))
}

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	return (sorted[(n-1)/2] + sorted[n/2]) / 2
}
