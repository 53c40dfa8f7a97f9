package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/protocol"
)

// parse reads the flags of run and check. A flag that is not given is taken from the environment: SIGHTLINE_ and its
// name in capitals.
func parse(args []string, stdout, stderr io.Writer) (device.Config, error) {
	config := device.Config{Version: version, Cameras: make([]device.CameraConfig, 1)}
	camera := &config.Cameras[0]
	set := flag.NewFlagSet("sightline-agent "+args[0], flag.ContinueOnError)
	set.SetOutput(io.Discard) // an error is told once, by whoever gets it
	var enrol, ca, level, door string
	var retry time.Duration
	set.StringVar(&config.Hub, "hub", "", "`URL` of the server")
	set.StringVar(&enrol, "enroll", "", "one-time `CODE` with which the camera joins; not needed once it has")
	set.StringVar(&config.State, "state", "", "`DIR` that keeps the camera's key and identity")
	set.StringVar(&camera.Source, "source", "test:", "where the picture comes from: test:, file:PATH or rtsp://HOST/PATH")
	set.StringVar(&camera.Sub, "sub", "", "where a smaller picture of the same scene comes from, if there is one: as --source")
	set.StringVar(&camera.Name, "name", "", "`NAME` of the camera, unless the code brings one")
	set.StringVar(&camera.Model, "model", "", "`MODEL` of the camera")
	set.BoolVar(&camera.Warm, "warm", false, "keep the sources open while nobody looks")
	set.IntVar(&camera.MaxSessions, "max-viewers", 0, "`N` viewers at once, 8 if 0")
	readMedia := mediaFlags(set, &config)
	set.StringVar(&ca, "ca", "", "PEM `FILE` of the authority that signed the server's certificate")
	set.StringVar(&door, "door", "auto", "way to the server: auto, websocket or poll")
	set.DurationVar(&retry, "door-retry", 0, "`TIME` between tries of the WebSocket while the long poll is used; 1, 5, then 15m if 0")
	set.StringVar(&level, "log-level", "info", "debug, info, warn or error")
	err := set.Parse(args[1:])
	if errors.Is(err, flag.ErrHelp) {
		set.SetOutput(stdout)
		fmt.Fprint(stdout, usage)
		set.PrintDefaults()
	}
	if err != nil {
		return config, err
	}
	if set.NArg() > 0 {
		return config, fmt.Errorf("%q is no flag", set.Arg(0))
	}
	if err := fromEnvironment(set); err != nil {
		return config, err
	}
	if config.Hub == "" {
		return config, errors.New("--hub is missing: the URL of the server")
	}
	if config.State == "" {
		return config, errors.New("--state is missing: the directory that keeps the camera's key and identity")
	}
	camera.Enrol = auth.NewSecret(enrol)
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		return config, fmt.Errorf("--log-level is debug, info, warn or error, not %q", level)
	}
	config.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: least}))
	var known bool
	if config.Door, known = doors[door]; !known {
		return config, fmt.Errorf("--door is auto, websocket or poll, not %q", door)
	}
	if err := readMedia(); err != nil {
		return config, err
	}
	if retry < 0 {
		return config, fmt.Errorf("--door-retry is a time such as 2m, not %s", retry)
	}
	if retry > 0 {
		config.Probes = []time.Duration{retry}
	}
	config.TLS, err = trust(ca)
	return config, err
}

// doors are the values of --door.
var doors = map[string]protocol.Transport{
	"auto": "", "websocket": protocol.TransportWebSocket, "poll": protocol.TransportLongPoll,
}

func fromEnvironment(set *flag.FlagSet) error {
	given := map[string]bool{}
	set.Visit(func(f *flag.Flag) { given[f.Name] = true })
	var errs []error
	set.VisitAll(func(f *flag.Flag) {
		name := "SIGHTLINE_" + strings.ToUpper(strings.ReplaceAll(f.Name, "-", "_"))
		if value, ok := os.LookupEnv(name); ok && !given[f.Name] {
			if err := set.Set(f.Name, value); err != nil {
				errs = append(errs, fmt.Errorf("%s: %w", name, err))
			}
		}
	})
	return errors.Join(errs...)
}

// trust returns the TLS settings for a server whose authority the system does not know; nil for the system's own.
func trust(file string) (*tls.Config, error) {
	if file == "" {
		return nil, nil
	}
	pem, err := os.ReadFile(file) //nolint:gosec // the operator names it
	if err != nil {
		return nil, fmt.Errorf("--ca: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, fmt.Errorf("--ca: %s holds no PEM certificate", file)
	}
	return &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}, nil
}
