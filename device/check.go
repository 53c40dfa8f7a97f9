package device

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/device/door"
	"github.com/sightline-rtc/sightline/protocol"
)

// Check tells in words whether the server, the disk, and of each camera the enrolment and the sources are fine, and fails
// when one of them is not; and what the network allows, which is for nobody here to fail. It changes nothing but that a
// router, if it is asked, opens a port for a moment.
func (a *Agent) Check(ctx context.Context, out io.Writer) error {
	type step struct {
		name  string
		check func(context.Context) (string, error)
	}
	steps := []step{{"server", a.checkHub}, {"disk", a.checkDisk}}
	for _, c := range a.cameras {
		steps = append(steps, step{c.about("enrolment"), c.checkIdentity}, step{c.about("source"), c.checkSource})
	}
	width := 9 // of the longest name of one camera's checks
	for _, step := range steps {
		width = max(width, len(step.name))
	}
	bad := 0
	for _, step := range steps {
		words, err := step.check(ctx)
		mark := "ok "
		if err != nil {
			mark, words = "BAD", err.Error()
			bad++
		}
		if _, err := fmt.Fprintf(out, "%s  %-*s  %s\n", mark, width, step.name, words); err != nil {
			return err
		}
	}
	mark, lines := a.checkNetwork(ctx)
	below := "\n" + strings.Repeat(" ", len(mark)+width+4)
	if _, err := fmt.Fprintf(out, "%s  %-*s  %s\n", mark, width, "network", strings.Join(lines, below)); err != nil {
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

// checkDisk writes a file beside the state, or where the state is going to be.
func (a *Agent) checkDisk(context.Context) (string, error) {
	dir := filepath.Clean(a.config.State)
	words := dir + " can be written"
	for {
		_, err := os.Stat(dir)
		parent := filepath.Dir(dir)
		if !errors.Is(err, fs.ErrNotExist) || parent == dir {
			break
		}
		dir, words = parent, a.config.State+" can be made"
	}
	probe, err := os.CreateTemp(dir, ".sightline-check-*")
	if err != nil {
		return "", fmt.Errorf("write state: %w", err)
	}
	_, err = probe.Write(make([]byte, diskNeed))
	if err := errors.Join(err, probe.Sync(), probe.Close(), os.Remove(probe.Name())); err != nil {
		return "", fmt.Errorf("write state: %w", err)
	}
	return words, nil
}

// diskNeed is more than all that one camera writes.
const diskNeed = 8 << 10
