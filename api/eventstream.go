package api

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

const (
	// streamPage is how many events are read at a time: what a stream has in memory.
	streamPage = 100
	// streamHeartbeat is short enough for proxies, many of which cut a connection after a minute of silence.
	streamHeartbeat = 15 * time.Second
	// streamPatience is how long a reader may take for a page. What the connection's buffers do not hold is not kept for it.
	streamPatience = 10 * time.Second
	// streamRetry is how long a browser waits before it opens a broken stream again.
	streamRetry = 2 * time.Second
)

type streamInput struct {
	After uint64   `query:"after" maximum:"9007199254740991" doc:"Only later events are sent; 0: all that are kept"`
	Kinds []string `query:"kinds" maxItems:"32" enum:"device.online,device.suspect,device.offline,device.enrolled,device.deleted,device.alert,session.opened,session.live,session.path,session.ended,usage.report,budget.warning,budget.exhausted,key.revoked" nullable:"false" doc:"Only events of these kinds, separated by commas"`
	Last  uint64   `header:"Last-Event-ID" maximum:"9007199254740991" doc:"The id of the last event that came, when a stream is opened again; it counts rather than after"`
}

func (a *API) addEventStream() {
	add(a, huma.Operation{
		OperationID: "stream-events", Method: http.MethodGet, Path: "/v1/events/stream", Tags: []string{"events"},
		Summary: "Send what happens after an event, the oldest first, for ever (server-sent events)",
		Description: "Each has its number as `id`, its kind as `event` and itself, as in the list, as `data`. A comment comes every 15 seconds. " +
			"A reader that takes longer than 10 seconds for what it is sent is cut off, and goes on where it was with Last-Event-ID.",
		Responses: map[string]*huma.Response{"200": {
			Description: "Events without end",
			Content:     map[string]*huma.MediaType{"text/event-stream": {Schema: &huma.Schema{Type: huma.TypeString}}},
		}},
	}, a.streamEvents)
}

func (a *API) streamEvents(ctx context.Context, in *streamInput) (*huma.StreamResponse, error) {
	after := in.After
	if in.Last > 0 {
		after = in.Last
	}
	r := a.reading(ctx, filterOf(after, in.Kinds), streamPage)
	leave, err := a.waiting.enter(r.key)
	if err != nil {
		return nil, err
	}
	return &huma.StreamResponse{Body: func(ctx huma.Context) {
		defer leave()
		_, w := humago.Unwrap(ctx)
		s := &stream{reading: r, w: w, control: http.NewResponseController(w)}
		if err := s.run(ctx.Context()); err != nil {
			a.log.Debug("stream of events ended", "path", ctx.Operation().Path, "project", r.key.Project, "err", err)
		}
	}}, nil
}

// stream sends events to one client.
type stream struct {
	*reading
	w       http.ResponseWriter
	control *http.ResponseController
}

// run sends until the client has gone or is too slow, its API key is no longer good, or the server stops.
func (s *stream) run(ctx context.Context) error {
	_ = s.control.SetReadDeadline(time.Time{}) // it is for bodies; what has none in tests needs none
	s.w.Header().Set("Content-Type", "text/event-stream")
	s.w.Header().Set("X-Accel-Buffering", "no") // nginx would gather answers
	s.w.WriteHeader(http.StatusOK)
	news, cancel := s.api.config.Events.Follow(s.key.Project)
	defer cancel()
	if err := s.send(fmt.Appendf(nil, "retry: %d\n\n", streamRetry.Milliseconds())); err != nil {
		return err
	}
	beat := time.NewTicker(streamHeartbeat)
	defer beat.Stop()
	for {
		if err := s.sendNews(ctx); err != nil {
			return err
		}
		if err := s.rest(ctx, news, beat.C); err != nil {
			return err
		}
		if err := s.api.stillMay(ctx, scopeOfEvents); err != nil {
			return err
		}
	}
}

// sendNews sends all that there is.
func (s *stream) sendNews(ctx context.Context) error {
	for {
		list, err := s.next(ctx)
		if err != nil || len(list) == 0 {
			return err
		}
		var page []byte
		for _, e := range list {
			text, err := json.Marshal(event(e))
			if err != nil {
				return fmt.Errorf("encode event %d: %w", e.Seq, err)
			}
			page = fmt.Appendf(page, "id: %d\nevent: %s\ndata: %s\n\n", e.Seq, e.Kind, text)
		}
		if err := s.send(page); err != nil {
			return err
		}
	}
}

// rest waits for news, and sends a comment when there are none for a while. It fails when nothing is to come any more.
func (s *stream) rest(ctx context.Context, news <-chan struct{}, beat <-chan time.Time) error {
	over, err := s.pause(ctx, news, beat)
	switch {
	case err != nil:
		return err
	case !over:
		return nil
	}
	select {
	case <-s.api.ending:
		return io.EOF
	default:
		return s.send([]byte(":\n\n"))
	}
}

func (s *stream) send(text []byte) error {
	_ = s.control.SetWriteDeadline(time.Now().Add(streamPatience)) // as above
	if _, err := s.w.Write(text); err != nil {
		return err
	}
	return s.control.Flush()
}
