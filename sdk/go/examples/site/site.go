// Package site is what the examples have in common: their settings, and a small web server. It has nothing of Sightline's.
package site

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	sightline "github.com/sightline-rtc/sightline/sdk/go"
)

// Site is a partner's web server and what it knows of Sightline's.
type Site struct {
	// Hub is the address of the Sightline server.
	Hub    string
	Client *sightline.Client
	listen string
}

// New reads the settings: SIGHTLINE_HUB and SIGHTLINE_KEY from the environment, --listen and the example's own from the
// command line. It ends the program where one is missing.
func New() *Site {
	listen := flag.String("listen", "127.0.0.1:8090", "where the site is served; http://`HOST:PORT` must be one of the server's --origins")
	flag.Parse()
	hub := os.Getenv("SIGHTLINE_HUB")
	client, err := sightline.New(hub, os.Getenv("SIGHTLINE_KEY"))
	if err != nil {
		Fail(fmt.Errorf("set SIGHTLINE_HUB and SIGHTLINE_KEY: %w", err))
	}
	return &Site{Hub: hub, Client: client, listen: *listen}
}

// Serve serves the site until the program is told to end, and prints where it is. beside runs at the same time; it may be
// nil.
func (s *Site) Serve(handler http.Handler, beside func(context.Context) error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", s.listen)
	if err != nil {
		Fail(err)
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	ended := make(chan error, 2)
	go func() { ended <- server.Serve(listener) }()
	if beside != nil {
		go func() { ended <- beside(ctx) }()
	}
	fmt.Printf("http://%s\n", listener.Addr())
	select {
	case err = <-ended:
	case <-ctx.Done():
	}
	_ = server.Close()
	if err != nil && !errors.Is(err, http.ErrServerClosed) && ctx.Err() == nil {
		Fail(err)
	}
}

// Fail says what went wrong and ends the program.
func Fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}
