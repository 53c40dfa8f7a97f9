package sightline

import (
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Event is something that happened in the project.
type Event struct {
	// ID names the event for ever: what comes twice has the same.
	ID string `json:"event_id"`
	// Seq counts the project's events without a gap.
	Seq  uint64    `json:"seq"`
	Kind EventKind `json:"kind"`
	At   time.Time `json:"at"`
	// Device and Session are what it is about; either may be empty.
	Device  protocol.DeviceID  `json:"device,omitempty"`
	Session protocol.SessionID `json:"session,omitempty"`
	// Data depends on the kind: docs/api.md, "Events". Into reads it.
	Data json.RawMessage `json:"data"`
}

// EventKind says what an event tells of.
type EventKind string

// The kinds of events. The list is closed.
const (
	DeviceOnline    EventKind = "device.online"
	DeviceSuspect   EventKind = "device.suspect"
	DeviceOffline   EventKind = "device.offline"
	DeviceEnrolled  EventKind = "device.enrolled"
	DeviceDeleted   EventKind = "device.deleted"
	DeviceAlert     EventKind = "device.alert"
	SessionOpened   EventKind = "session.opened"
	SessionLive     EventKind = "session.live"
	SessionPath     EventKind = "session.path"
	SessionEnded    EventKind = "session.ended"
	UsageReport     EventKind = "usage.report"
	BudgetWarning   EventKind = "budget.warning"
	BudgetExhausted EventKind = "budget.exhausted"
	KeyRevoked      EventKind = "key.revoked"
)

// Into reads the event's data.
func (e Event) Into(data any) error { return answer{body: e.Data}.into(data) }

const (
	// eventWait is how long the server waits for an event when there is none, eventPage how many it gives at once.
	eventWait = 25 * time.Second
	eventPage = 1000
)

// Events follows what happens in the project from after a number on, 0 for all that is kept, of some kinds or all: first
// the history, then what comes, until its caller stops or the context ends. Keep the Seq of what you have done with and
// give it the next time: nothing is missed, or a *Gap says what was. Any other error is the last element.
func (c *Client) Events(ctx context.Context, after uint64, kinds ...EventKind) iter.Seq2[Event, error] {
	return c.events(ctx, after, eventWait, kinds)
}

// History is Events that ends with what has happened until now.
func (c *Client) History(ctx context.Context, after uint64, kinds ...EventKind) iter.Seq2[Event, error] {
	return c.events(ctx, after, 0, kinds)
}

// events goes through the events page by page; a wait of 0 ends with the first page that is empty.
func (c *Client) events(ctx context.Context, after uint64, wait time.Duration, kinds []EventKind) iter.Seq2[Event, error] {
	query := url.Values{"limit": {strconv.Itoa(eventPage)}}
	if wait > 0 {
		query.Set("wait", strconv.Itoa(int(wait/time.Second)))
	}
	if len(kinds) > 0 {
		names := make([]string, len(kinds))
		for i, kind := range kinds {
			names[i] = string(kind)
		}
		query.Set("kinds", strings.Join(names, ","))
	}
	return func(yield func(Event, error) bool) {
		next := after
		for ctx.Err() == nil {
			query.Set("after", strconv.FormatUint(next, 10))
			page, err := ask[eventPageBody](ctx, c, request{method: http.MethodGet, path: "/v1/events", query: query})
			if err != nil && ctx.Err() == nil {
				yield(Event{}, err)
			}
			if err != nil || wait == 0 && page.Next == next {
				return
			}
			if page.First > next+1 && !yield(Event{}, &Gap{After: next, First: page.First}) {
				return
			}
			for _, e := range page.Events {
				if !yield(e, nil) {
					return
				}
			}
			next = page.Next
		}
	}
}

type eventPageBody struct {
	Events []Event `json:"events"`
	Next   uint64  `json:"next"`
	First  uint64  `json:"first"`
}

// Gap is an error of Events that does not end them: those after a number and before the First that is kept are gone, because they
// were more than 30 days ago or too many.
type Gap struct{ After, First uint64 }

func (g *Gap) Error() string {
	return fmt.Sprintf("sightline: the events after %d and before %d are gone", g.After, g.First)
}
