// Command sightline is the server: signaling hub, STUN/TURN relay, API and web pages in one process, and the
// commands that make keys, codes and tokens beside it.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/sightline-rtc/sightline/internal/app"
	"github.com/sightline-rtc/sightline/internal/config"
	"github.com/sightline-rtc/sightline/internal/obs"
	"github.com/sightline-rtc/sightline/protocol"
)

// version is set when the program is built.
var version = "dev"

func main() {
	ctx, hurry, release := interrupts()
	err := run(ctx, hurry, os.Args[1:], os.Stdout, os.Stderr)
	release()
	if err != nil {
		fmt.Fprintln(os.Stderr, "sightline:", words(err))
		os.Exit(1)
	}
}

// words is an error on one line, without the codes that programs look at.
func words(err error) string {
	text := strings.ReplaceAll(err.Error(), "\n", "; ")
	var refusal *protocol.Error
	if errors.As(err, &refusal) {
		text = strings.Replace(text, string(refusal.Code)+": ", "", 1)
	}
	return text
}

func run(ctx, hurry context.Context, args []string, stdout, stderr io.Writer) error {
	cli, command, done, err := config.Parse(args, version, stdout, stderr)
	if err != nil || done {
		return err
	}
	logger, err := obs.NewLogger(stderr, cli.LogFormat, cli.LogLevel)
	if err != nil {
		return err
	}
	// What libraries say by themselves may be the words of a stranger who answers a webhook.
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(logger)
	do := map[string]func() error{
		"serve":              func() error { return serve(ctx, hurry, cli.Serve, stdout, logger) },
		"project create":     func() error { return app.CreateProject(ctx, cli.Project.Create, stdout, logger) },
		"project set":        func() error { return app.SetProject(ctx, cli.Project.Set, stdout, logger) },
		"project points add": func() error { return app.AddPoints(ctx, cli.Project.Points.Add, stdout, logger) },
		"project list":       func() error { return app.ListProjects(ctx, cli.Project.List, stdout, logger) },
		"key create":         func() error { return app.CreateKey(ctx, cli.Key.Create, stdout, logger) },
		"key list":           func() error { return app.ListKeys(ctx, cli.Key.List, stdout, logger) },
		"key revoke <key>":   func() error { return app.RevokeKey(ctx, cli.Key.Revoke, logger) },
		"enroll create":      func() error { return app.CreateEnrolment(ctx, cli.Enroll.Create, stdout, logger) },
		"token create":       func() error { return app.CreateToken(ctx, cli.Token.Create, stdout, logger) },
		"turn credentials":   func() error { return app.CreateTurnCredentials(ctx, cli.Turn.Credentials, stdout, logger) },
		"turn rotate":        func() error { return app.RotateTurnSecret(ctx, cli.Turn.Rotate, stdout, logger) },
		"check":              func() error { return app.Check(ctx, cli.Check.Serve, stdout, logger) },
	}[command]
	if do == nil {
		return errors.New("unknown command " + command)
	}
	return do()
}

func serve(ctx, hurry context.Context, c config.Serve, stdout io.Writer, logger *slog.Logger) error {
	server, err := app.Open(ctx, c, logger)
	if err != nil {
		return err
	}
	// The sockets are bound: whoever reads this line can connect.
	if err := json.NewEncoder(stdout).Encode(server.Ready()); err != nil {
		return errors.Join(fmt.Errorf("print readiness: %w", err), server.Close()) //nolint:contextcheck // closing is not cut short
	}
	unhurried := context.AfterFunc(hurry, server.Abort)
	defer unhurried()
	return server.Run(ctx)
}
