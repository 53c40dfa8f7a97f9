// Command sightline-agent is the camera's side: it keeps a link to a Sightline server and sends the camera's
// picture to whoever may look, directly wherever that is possible.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	ossignal "os/signal"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/device/statuspage"
	"github.com/sightline-rtc/sightline/protocol"
)

// version is set when the program is built.
var version = "dev"

const usage = `usage: sightline-agent run --hub URL [--enroll CODE] --state DIR [--source SOURCE]
       sightline-agent run --config FILE
       sightline-agent check the same
       sightline-agent version

run    keeps the camera on the air until it is stopped
check  says in words whether the server, the enrolment and the source are fine, and what the network allows

`

func main() {
	ctx, stop := ossignal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, stop) // a second signal stops at once
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	if err != nil && !errors.Is(err, flag.ErrHelp) {
		fmt.Fprintln(os.Stderr, "sightline-agent:", strings.ReplaceAll(err.Error(), "\n", "; "))
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) == 0 {
		args = []string{"help"}
	}
	switch args[0] {
	case "version", "--version":
		_, err := fmt.Fprintln(stdout, version)
		return err
	case "run", "check":
	case "help", "-h", "--help":
		_, err := fmt.Fprint(stdout, usage)
		return err
	default:
		return fmt.Errorf("unknown command %q: say run, check or version", args[0])
	}
	settings, err := parse(args, stdout, stderr)
	if err != nil {
		return err
	}
	settings.Ready = func(id protocol.DeviceID) {
		ready := struct {
			Ready  bool              `json:"ready"`
			Device protocol.DeviceID `json:"device"`
		}{true, id}
		if err := json.NewEncoder(stdout).Encode(ready); err != nil {
			settings.Logger.Error("readiness not printed", "err", err)
		}
	}
	agent, err := device.New(settings.Config)
	if err != nil {
		return err
	}
	if args[0] == "check" {
		return agent.Check(ctx, stdout)
	}
	return serve(ctx, agent, &settings)
}

// serve runs the agent, with what tells others on this machine how it is, until the context ends or the agent does.
func serve(ctx context.Context, agent *device.Agent, s *settings) error {
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	var page *statuspage.Server
	if s.status != "" {
		var err error
		if page, err = statuspage.Listen(ctx, s.status, agent, s.Logger); err != nil {
			return err
		}
		s.Logger.Info("status page served", "address", page.Address())
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		defer stop()
		return agent.Run(ctx)
	})
	group.Go(func() error {
		newNotifier(s.Logger).run(ctx, agent)
		return nil
	})
	if page != nil {
		group.Go(func() error { return page.Run(ctx) })
	}
	return group.Wait()
}
