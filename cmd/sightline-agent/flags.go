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

	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/device/statuspage"
	"github.com/sightline-rtc/sightline/protocol"
)

// settings are what the flags, the environment and the file say.
type settings struct {
	device.Config
	// status is where the status page is served; empty means nowhere.
	status string
}

// readers are what takes the values of flags over, once they have been read.
type readers []func(*settings) error

// parse reads the settings of run and check. A flag that is not given is taken from the environment: SIGHTLINE_ and its
// name in capitals; and what that lacks too from the file that --config names.
func parse(args []string, stdout, stderr io.Writer) (settings, error) {
	s := settings{Config: device.Config{Version: version}}
	set := flag.NewFlagSet("sightline-agent "+args[0], flag.ContinueOnError)
	set.SetOutput(io.Discard) // an error is told once, by whoever gets it
	path := set.String("config", "", "`FILE` of settings, as agent.yaml of the documentation; needed only for several cameras")
	set.StringVar(&s.Hub, "hub", "", "`URL` of the server")
	set.StringVar(&s.State, "state", "", "`DIR` that keeps the camera's key and identity")
	camera := cameraFlags(set)
	readers := readers{logFlags(set, stderr), doorFlags(set), mediaFlags(set), trustFlags(set)}
	set.StringVar(&s.status, "status", "", "`HOST:PORT` on this machine where a page and /status.json say how the agent is; nowhere if empty")
	err := set.Parse(args[1:])
	if errors.Is(err, flag.ErrHelp) {
		set.SetOutput(stdout)
		fmt.Fprint(stdout, usage)
		set.PrintDefaults()
	}
	if err != nil {
		return s, err
	}
	if set.NArg() > 0 {
		return s, fmt.Errorf("%q is no flag", set.Arg(0))
	}
	if err := fromEnvironment(set); err != nil {
		return s, err
	}
	exposed := false
	if *path != "" {
		if s.Cameras, exposed, err = readFile(*path, set); err != nil {
			return s, err
		}
	}
	if len(s.Cameras) == 0 {
		s.Cameras = []device.CameraConfig{camera()}
	}
	if err := readers.read(&s); err != nil {
		return s, err
	}
	if exposed {
		s.Logger.Warn("configuration with secrets is readable by everybody", "path", *path)
	}
	err = s.complete()
	return s, err
}

// complete tells what is missing, in the words of the flags.
func (s *settings) complete() error {
	if s.Hub == "" {
		return errors.New("--hub is missing: the URL of the server")
	}
	if s.State == "" {
		return errors.New("--state is missing: the directory that keeps the camera's key and identity")
	}
	if s.status == "" {
		return nil
	}
	if err := statuspage.CheckAddress(s.status); err != nil {
		return fmt.Errorf("--status: %w", err)
	}
	return nil
}

func (r readers) read(s *settings) error {
	for _, read := range r {
		if err := read(s); err != nil {
			return err
		}
	}
	return nil
}

func logFlags(set *flag.FlagSet, stderr io.Writer) func(*settings) error {
	level := set.String("log-level", "info", "debug, info, warn or error")
	return func(s *settings) error {
		var least slog.Level
		if err := least.UnmarshalText([]byte(*level)); err != nil {
			return fmt.Errorf("--log-level is debug, info, warn or error, not %q", *level)
		}
		s.Logger = slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: least}))
		return nil
	}
}

// doors are the values of --door.
var doors = map[string]protocol.Transport{
	"auto": "", "websocket": protocol.TransportWebSocket, "poll": protocol.TransportLongPoll,
}

func doorFlags(set *flag.FlagSet) func(*settings) error {
	door := set.String("door", "auto", "way to the server: auto, websocket or poll")
	retry := set.Duration("door-retry", 0, "`TIME` between tries of the WebSocket while the long poll is used; 1, 5, then 15m if 0")
	return func(s *settings) error {
		var known bool
		if s.Door, known = doors[*door]; !known {
			return fmt.Errorf("--door is auto, websocket or poll, not %q", *door)
		}
		if *retry < 0 {
			return fmt.Errorf("--door-retry is a time such as 2m, not %s", *retry)
		}
		if *retry > 0 {
			s.Probes = []time.Duration{*retry}
		}
		return nil
	}
}

// trustFlags are about a server whose authority the system does not know.
func trustFlags(set *flag.FlagSet) func(*settings) error {
	ca := set.String("ca", "", "PEM `FILE` of the authority that signed the server's certificate")
	return func(s *settings) error {
		if *ca == "" {
			return nil
		}
		pem, err := os.ReadFile(*ca)
		if err != nil {
			return fmt.Errorf("--ca: %w", err)
		}
		pool := x509.NewCertPool()
		if !pool.AppendCertsFromPEM(pem) {
			return fmt.Errorf("--ca: %s holds no PEM certificate", *ca)
		}
		s.TLS = &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}
		return nil
	}
}

// given are the names of the flags that have been set.
func given(set *flag.FlagSet) map[string]bool {
	names := map[string]bool{}
	set.Visit(func(f *flag.Flag) { names[f.Name] = true })
	return names
}

func fromEnvironment(set *flag.FlagSet) error {
	given := given(set)
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
