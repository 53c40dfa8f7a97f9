package device

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// captureTime bounds the way of a still picture from the camera to the hub, who waits less long but keeps it for the next
// viewer.
const captureTime = 10 * time.Second

// entrance is how requests beside the link name it to the hub.
type entrance struct {
	hub           *url.URL
	authorization string
}

// capture sends the hub the still picture that it asks for, or says why there is none. One at a time is on its way: the hub
// asks for no second one before it has given up the first.
func (v *viewings) capture(ctx context.Context, m *protocol.Capture) {
	v.mu.Lock()
	busy, to := v.capturing, v.entrance
	v.capturing = true
	v.mu.Unlock()
	if busy {
		return
	}
	v.work.Go(func() {
		defer func() {
			v.mu.Lock()
			defer v.mu.Unlock()
			v.capturing = false
		}()
		start := time.Now()
		if err := v.sendStill(ctx, to, m.Request); err != nil {
			v.camera.log.Warn("snapshot not sent", "err", err)
			return
		}
		v.camera.log.Debug("snapshot sent", "took", time.Since(start))
	})
}

func (v *viewings) sendStill(ctx context.Context, to entrance, request string) error {
	ctx, cancel := context.WithTimeout(ctx, captureTime)
	defer cancel()
	still, err := v.camera.source.Snapshot(ctx)
	if err == nil {
		return v.put(ctx, to, request, "image/jpeg", still)
	}
	v.camera.log.Debug("snapshot not taken", "err", err)
	why, err := json.Marshal(protocol.AsError(err))
	if err != nil {
		return fmt.Errorf("encode the refusal: %w", err)
	}
	return v.put(ctx, to, request, "application/json", why)
}

// put brings the answer to a capture.
func (v *viewings) put(ctx context.Context, to entrance, request, kind string, body []byte) error {
	at := to.hub.JoinPath(protocol.SnapshotPath)
	at.RawQuery = url.Values{"request": {request}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPut, at.String(), bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("put snapshot: %w", err)
	}
	r.Header.Set("Content-Type", kind)
	r.Header.Set("Authorization", to.authorization)
	response, err := v.camera.agent.client.Do(r)
	if err != nil {
		return fmt.Errorf("put snapshot: %w", err)
	}
	defer response.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(response.Body, maxAnswerBytes)) // so that the connection can be used again
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("put snapshot: the hub answers %s", response.Status)
	}
	return nil
}
