//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/test/matrix"
	"github.com/sightline-rtc/sightline/test/natlab"
)

const natHelp = `usage: sightline-bench nat [flags]

Runs the whole product between pairs of NATs: server and relay on the internet of a lab, the agent behind one NAT,
Chromium behind the other. Prints which way each picture took, when, and what theory says. Without --all, --device and
--viewer it takes a spread of 20 pairs.

`

// natRun is what the flags of nat say.
type natRun struct {
	pairs      []matrix.Pair
	conditions matrix.Conditions
	repeat     int
	resume     string
	report     string
	logs       string
	json       bool
	command    string
}

// nat measures pairs and writes their results, a summary last.
func nat(ctx context.Context, args []string, out, log io.Writer) (err error) {
	run, err := parseNAT(args, log)
	if err != nil {
		return err
	}
	book, err := matrix.OpenBook(run.resume)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, book.Close()) }()
	if err := run.measure(ctx, book, out, log); err != nil {
		return err
	}
	results := book.Of(run.pairs, run.repeat, run.conditions)
	if run.report != "" {
		if err := matrix.Report(run.report, run.name(), run.command, time.Now(), results); err != nil {
			return err
		}
	}
	if run.json {
		return json.NewEncoder(out).Encode(matrix.Summarize(results))
	}
	matrix.WriteTable(out, results)
	matrix.WriteSummary(out, results)
	return nil
}

func parseNAT(args []string, log io.Writer) (run natRun, err error) {
	flags := flagsOf("nat", natHelp, log)
	device := flags.String("device", "", "`types` of NAT before the device, with commas: "+names(natlab.AllTypes))
	viewer := flags.String("viewer", "", "`types` of NAT before the viewer: the same, samelan or samecgn")
	all := flags.Bool("all", false, "every pair: 12 types before the device, 11 before the viewer")
	flags.BoolVar(&run.conditions.Mapping, "mapping", false, "home routers open ports when they are asked")
	flags.BoolVar(&run.conditions.IPv6, "v6", false, "both sides have IPv6 too")
	flags.BoolVar(&run.conditions.Hairpin, "hairpin", false, "translators let what is behind them speak to itself")
	late := flags.Duration("late", 0, "for so long after the first path nothing but the relay reaches the device")
	flags.IntVar(&run.repeat, "repeat", 1, "`times` to visit each pair")
	flags.StringVar(&run.resume, "resume", "", "`file` for results, as JSON lines; pairs that it has already are left out")
	flags.StringVar(&run.report, "report", "", "Markdown `file` whose section on such a run is replaced")
	flags.StringVar(&run.logs, "logs", "", "`directory` for what the programs said in visits that went wrong")
	flags.BoolVar(&run.json, "json", false, "print JSON lines instead of a table")
	if err := flags.Parse(args); err != nil {
		return run, err
	}
	run.command = strings.Join(append([]string{"sightline-bench", "nat"}, told(args)...), " ")
	run.conditions.LateMS = late.Milliseconds()
	if run.repeat < 1 {
		return run, errors.New("--repeat must be 1 or more")
	}
	if *late < 0 {
		return run, errors.New("--late must not be negative")
	}
	devices, err := types(*device, natlab.DeviceTypes, natlab.AllTypes)
	if err != nil {
		return run, fmt.Errorf("--device: %w", err)
	}
	viewers, err := types(*viewer, natlab.ViewerTypes, slices.Concat(natlab.AllTypes, []natlab.Type{natlab.SameLAN, natlab.SameCarrier}))
	if err != nil {
		return run, fmt.Errorf("--viewer: %w", err)
	}
	if *all && *device+*viewer != "" {
		return run, errors.New("--all leaves no choice of --device and --viewer")
	}
	run.pairs = matrix.Spread()
	if *all || *device+*viewer != "" {
		run.pairs = matrix.All(devices, viewers)
	}
	return run, nil
}

// types reads a list of types; an empty one means the usual.
func types(list string, usual, known []natlab.Type) ([]natlab.Type, error) {
	if list == "" {
		return usual, nil
	}
	var found []natlab.Type
	for name := range strings.SplitSeq(list, ",") {
		if !slices.Contains(known, natlab.Type(name)) {
			return nil, fmt.Errorf("there is no type %q among %s", name, names(known))
		}
		found = append(found, natlab.Type(name))
	}
	return found, nil
}

func names(list []natlab.Type) string {
	words := make([]string, len(list))
	for i, t := range list {
		words[i] = string(t)
	}
	return strings.Join(words, ",")
}

// told are the arguments that say what was measured, without where it was kept.
func told(args []string) []string {
	var kept []string
	for i := 0; i < len(args); i++ {
		name, _, hasValue := strings.Cut(strings.TrimLeft(args[i], "-"), "=")
		switch name {
		case "json":
		case "resume", "report", "logs":
			if !hasValue {
				i++
			}
		default:
			kept = append(kept, args[i])
		}
	}
	return kept
}

// name is that of the run's section in a report.
func (run natRun) name() string {
	name := "ice"
	for _, c := range []struct {
		on   bool
		name string
	}{
		{run.conditions.Mapping, "mapping"},
		{run.conditions.IPv6, "v6"},
		{run.conditions.Hairpin, "hairpin"},
		{run.conditions.LateMS > 0, "late"},
	} {
		if c.on {
			name += "+" + c.name
		}
	}
	return name
}

// measure visits the pairs that the book lacks.
func (run natRun) measure(ctx context.Context, book *matrix.Book, out, log io.Writer) (err error) {
	var stage *matrix.Stage
	defer func() {
		if stage != nil {
			err = errors.Join(err, stage.Close())
		}
	}()
	for round := 1; round <= run.repeat; round++ {
		for i, p := range run.pairs {
			if book.Has(p, round, run.conditions) {
				continue
			}
			if stage == nil {
				if stage, err = matrix.Open(ctx, run.conditions); err != nil {
					return err
				}
			}
			r, err := stage.Visit(ctx, p)
			if ctx.Err() != nil {
				return ctx.Err() // what broke off is not worth a word
			}
			if err != nil {
				return errors.Join(err, stage.WriteLog(log))
			}
			r.Run = round
			if err := errors.Join(book.Add(r), run.keepLog(stage, r), run.tell(r, out)); err != nil {
				return err
			}
			fmt.Fprintf(log, "%d of %d: %s to %s: %s %s %s\n", (round-1)*len(run.pairs)+i+1, len(run.pairs)*run.repeat, p.Device, p.Viewer, r.Path, r.Means, r.Wrong)
		}
	}
	return nil
}

func (run natRun) tell(r matrix.Result, out io.Writer) error {
	if !run.json {
		return nil
	}
	return json.NewEncoder(out).Encode(r)
}

// keepLog keeps what the programs said in a visit that went wrong, and forgets it in all others.
func (run natRun) keepLog(stage *matrix.Stage, r matrix.Result) (err error) {
	if r.Wrong == "" || run.logs == "" {
		return stage.WriteLog(io.Discard)
	}
	if err := os.MkdirAll(run.logs, 0o755); err != nil { //nolint:gosec // for everybody to read
		return err
	}
	file, err := os.Create(filepath.Join(run.logs, fmt.Sprintf("%s-%s-%d.log", r.Device, r.Viewer, r.Run)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	fmt.Fprintln(file, r.Wrong)
	return stage.WriteLog(file)
}
