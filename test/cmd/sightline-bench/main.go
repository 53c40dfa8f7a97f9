//go:build linux

// Command sightline-bench measures the product: the figures of docs/benchmarks.md come from it. Each measurement is a
// subcommand; without one it lists them.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

// command is one measurement.
type command struct {
	name    string
	summary string
	// run measures and writes the figures to out, everything else to log. It parses its own flags.
	run func(ctx context.Context, args []string, out, log io.Writer) error
}

func commands() []command {
	return []command{
		{"all", "everything that docs/benchmarks.md reports", all},
		{"firstframe", "time from page load to the first frame on the screen, over RTSP and the direct path", firstFrame},
		{"view", "headless viewers of a camera, or of any WHEP endpoint: frames, freezes, time to the first frame", view},
		{"glass", "age of the pictures when they come on the screen", glass},
		{"agent", "what viewers cost the agent in CPU and memory, beside a peer such as go2rtc", agent},
		{"links", "memory of an idle link", links},
		{"chaos", "messages on bad networks: what was lost, repeated or reordered", chaos},
		{"drain", "restart of a server: how its clients come back, and whether both ends agree", drain},
		{"turn", "a TURN server under the load of cameras: packets, loss, CPU a packet", turnServer},
		{"compare", "our relay, coturn and a stock pion/turn under the same load", compare},
		{"flood", "what strangers cost a TURN server: packets without credentials, silent connections", flood},
		{"webhooks", "deliveries to many endpoints of which some are bad: lag of the others, what is lost when the server is killed", webhooks},
		{"relay", "sessions through the hub: rate, time to the answer, CPU a message", relay},
		{"events", "the history of events under writers, backends that pull it and webhooks, on SQLite or PostgreSQL", events},
		{"points", "points under sessions that settle at once and a process that is killed: what the ledger adds up to", points},
		{"nat", "pairs of NATs with the whole product between them: which way the picture takes, and when", nat},
	}
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := dispatch(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
		os.Exit(2)
	case err != nil:
		fmt.Fprintf(os.Stderr, "sightline-bench: %v\n", err)
		os.Exit(1)
	}
}

// dispatch runs the subcommand that the arguments name.
func dispatch(ctx context.Context, args []string, out, log io.Writer) error {
	if len(args) == 0 {
		usage(log)
		return flag.ErrHelp
	}
	switch args[0] {
	case pionCommand:
		return servePion(ctx, args[1:], out, log)
	case crowdCommand:
		return serveCrowd(ctx, args[1:], os.Stdin, out, log)
	case pointsCommand:
		return servePoints(ctx, args[1:], os.Stdin, out)
	}
	for _, c := range commands() {
		if c.name == args[0] {
			return c.run(ctx, args[1:], out, log)
		}
	}
	usage(log)
	return fmt.Errorf("there is no measurement %q", args[0])
}

func usage(log io.Writer) {
	fmt.Fprint(log, "usage: sightline-bench MEASUREMENT [flags]\n\n")
	for _, c := range commands() {
		fmt.Fprintf(log, "  %-12s %s\n", c.name, c.summary)
	}
}

// flagsOf makes the flags of a measurement, whose usage begins with its help.
func flagsOf(name, help string, log io.Writer) *flag.FlagSet {
	flags := flag.NewFlagSet(name, flag.ContinueOnError)
	flags.SetOutput(log)
	flags.Usage = func() {
		fmt.Fprint(log, help)
		flags.PrintDefaults()
	}
	return flags
}
