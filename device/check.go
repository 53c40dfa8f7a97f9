package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

// sourceCheckTime is how long a source may take to its first picture.
const sourceCheckTime = 15 * time.Second

// Check tells in words whether the server, the enrolment and the source are fine, and fails when one of them is not; and
// what the network allows, which is for nobody here to fail. It changes nothing but that a router, if it is asked, opens a
// port for a moment.
func (a *Agent) Check(ctx context.Context, out io.Writer) error {
	type step struct {
		name  string
		check func(context.Context) (string, error)
	}
	steps := []step{{"server", a.checkHub}}
	for _, c := range a.cameras {
		steps = append(steps, step{c.about("enrolment"), c.checkIdentity}, step{c.about("source"), c.checkSource})
	}
	bad := 0
	for _, step := range steps {
		words, err := step.check(ctx)
		mark := "ok "
		if err != nil {
			mark, words = "BAD", err.Error()
			bad++
		}
		if _, err := fmt.Fprintf(out, "%s  %-9s  %s\n", mark, step.name, words); err != nil {
			return err
		}
	}
	mark, lines := a.checkNetwork(ctx)
	if _, err := fmt.Fprintf(out, "%s  %-9s  %s\n", mark, "network", strings.Join(lines, "\n                ")); err != nil {
		return err
	}
	if bad > 0 {
		return fmt.Errorf("%d of %d checks failed", bad, len(steps))
	}
	return nil
}

func (a *Agent) checkHub(ctx context.Context) (string, error) {
	limited, cancel := context.WithTimeout(ctx, a.config.DialTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(limited, http.MethodGet, a.hub.JoinPath("readyz").String(), http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := a.client.Do(request)
	if err != nil {
		return "", door.Explain(nil, err)
	}
	defer response.Body.Close()
	if response.Header.Get(protocol.ServerHeader) == "" || response.StatusCode != http.StatusOK {
		return "", door.Explain(response, nil)
	}
	words, err := a.checkDoors(ctx)
	if err != nil {
		return "", err
	}
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		if skew := time.Until(date).Round(time.Second); skew.Abs() > protocol.DeviceTokenLife/2 {
			words += fmt.Sprintf("; the clock here is off by %s, which the camera corrects by itself", -skew)
		}
	}
	return words, nil
}

// checkDoors says which of the two doors work, and why the other does not. One is enough.
func (a *Agent) checkDoors(ctx context.Context) (string, error) {
	dialer := door.NewDialer(door.Config{
		Hub: a.hub, TLS: a.config.TLS, Client: a.client, DialTimeout: a.config.DialTimeout, HelloTimeout: a.config.HelloTimeout,
	})
	webSocket := dialer.Try(ctx, protocol.TransportWebSocket)
	longPoll := dialer.Try(ctx, protocol.TransportLongPoll)
	reached := "reached at " + a.hub.String()
	switch {
	case webSocket == nil && longPoll == nil:
		return reached + ", WebSocket and long poll work", nil
	case webSocket == nil:
		return fmt.Sprintf("%s, WebSocket works; the long poll does not: %v", reached, longPoll), nil
	case longPoll == nil:
		return fmt.Sprintf("%s, the long poll works and is used; no WebSocket gets through: %v", reached, webSocket), nil
	}
	return "", fmt.Errorf("the server answers, but neither door opens: WebSocket: %w; long poll: %w", webSocket, longPoll)
}

// about names a check of the camera.
func (c *camera) about(what string) string {
	if c.config.ID == "" {
		return what
	}
	return c.config.ID + " " + what
}

func (c *camera) checkIdentity(context.Context) (string, error) {
	id, known, err := c.state.identity()
	switch {
	case err != nil:
		return "", err
	case known:
		if _, err := c.state.key(); err != nil {
			return "", err
		}
		return fmt.Sprintf("device %s of project %s", id.Device, id.Project), nil
	case c.config.Enrol.Reveal() == "":
		return "", errors.New("not enrolled: start the agent once with --enroll CODE")
	}
	if _, err := auth.ParseCode(c.config.Enrol.Reveal()); err != nil {
		return "", errors.New(protocol.AsError(err).Message)
	}
	return "not enrolled yet; the code has the right form", nil
}

// checkSource waits for the first picture of each stream of the camera.
func (c *camera) checkSource(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, sourceCheckTime)
	defer cancel()
	streams := c.source.Media()
	release := streams.Hold()
	defer release()
	running, stop := context.WithCancel(ctx)
	var group errgroup.Group
	group.Go(func() error { return c.source.Run(running) })
	var words []string
	var errs []error
	for i, r := range streams.Renditions {
		name := ""
		if len(streams.Renditions) > 1 {
			name = string(r.Name) + ": "
		}
		format, err := r.Stream.Format(ctx)
		if err != nil {
			if status := c.source.Renditions()[i]; status.Err != nil {
				err = status.Err
			}
			errs = append(errs, fmt.Errorf("%sno picture came within %s: %w", name, sourceCheckTime, err))
			continue
		}
		words = append(words, fmt.Sprintf("%s%s %dx%d", name, format.Codec, format.Width, format.Height))
	}
	stop()
	if err := group.Wait(); err != nil || len(errs) > 0 {
		return "", errors.Join(append(errs, err)...)
	}
	return strings.Join(words, ", "), nil
}
