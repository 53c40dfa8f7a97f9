//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// standard are the measurements of `make bench`, at sizes that take a quarter of an hour together.
var standard = []string{
	"firstframe",
	"firstframe --relay --runs 10",
	"glass",
	"glass --relay",
	"agent --viewers 1,10 --rounds 1",
	"links --count 10000 --devices",
	"links --count 10000 --viewers",
	"links --count 50000 --memory",
	"relay --pairs 100 --messages 20",
	"chaos --cuts 2000 --messages 40000",
	"drain --links 2000 --rate 500",
	"compare",
}

const allHelp = `usage: sightline-bench all [flags]

Runs the measurements of docs/benchmarks.md one after the other, prints their tables, and writes them to a file as
Markdown.

`

// all runs the standard measurements. One that fails does not keep the others from running.
func all(ctx context.Context, args []string, out, log io.Writer) (err error) {
	flags := flagsOf("all", allHelp, log)
	path := flags.String("report", "", "`file` for the tables; none if empty")
	if err := flags.Parse(args); err != nil {
		return err
	}
	report := io.Discard
	if *path != "" {
		file, err := os.Create(*path)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.Close()) }()
		report = file
	}
	return measureAll(ctx, standard, io.MultiWriter(out, report), log)
}

func measureAll(ctx context.Context, measurements []string, out, log io.Writer) error {
	var failed []error
	fmt.Fprintf(out, "# Measured on %s, %d CPUs\n", time.Now().UTC().Format("2006-01-02 15:04 MST"), runtime.NumCPU())
	for _, line := range measurements {
		if ctx.Err() != nil {
			return errors.Join(append(failed, ctx.Err())...)
		}
		var table bytes.Buffer
		if err := dispatch(ctx, strings.Fields(line), &table, log); err != nil {
			failed = append(failed, fmt.Errorf("%s: %w", line, err))
			fmt.Fprintf(&table, "failed: %v\n", err)
		}
		fmt.Fprintf(out, "\n`sightline-bench %s`\n```\n%s```\n", line, &table)
	}
	return errors.Join(failed...)
}
