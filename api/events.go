package api

import (
	"context"
	"encoding/json"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Event is something that happened in the project.
type Event struct {
	ID      string             `json:"event_id" doc:"Names the event for ever"`
	Seq     uint64             `json:"seq" doc:"Counts the project's events without a gap"`
	Kind    record.EventKind   `json:"kind" doc:"What it tells of; the list is closed"`
	At      time.Time          `json:"at"`
	Device  protocol.DeviceID  `json:"device,omitempty"`
	Session protocol.SessionID `json:"session,omitempty"`
	Data    json.RawMessage    `json:"data" doc:"Depends on the kind. Of session.path: number, path, means, by, local, remote, protocol, after_ms, relay_reason"`
}

type (
	eventsInput struct {
		After uint64   `query:"after" maximum:"9007199254740991" doc:"The next of the answer before: only later events are returned"`
		Kinds []string `query:"kinds" maxItems:"32" enum:"device.online,device.suspect,device.offline,device.enrolled,device.deleted,device.alert,session.opened,session.live,session.path,session.ended,usage.report,budget.warning,budget.exhausted,key.revoked" nullable:"false" doc:"Only events of these kinds, separated by commas"`
		Limit int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many to return at most"`
	}
	eventsOutput struct {
		Body struct {
			Events []Event `json:"events" nullable:"false"`
			Next   uint64  `json:"next" doc:"What to give as after the next time"`
		}
	}
)

func (a *API) addEvents() {
	add(a, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"events"},
		Summary: "List what happened after an event, the oldest first",
		Description: "Events are kept for 30 days, a million of a project at most. Each is kept together with what it tells of, or not at all. " +
			"Without kinds, a number that is left out between after and the first event means that some are gone already.",
	}, a.listEvents)
}

func (a *API) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	filter := record.EventFilter{After: in.After}
	for _, kind := range in.Kinds {
		filter.Kinds = append(filter.Kinds, record.EventKind(kind))
	}
	list, err := a.config.Events.Events(ctx, keyOf(ctx).Project, filter, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Events, out.Body.Next = each(list, event), in.After
	if n := len(list); n > 0 {
		out.Body.Next = list[n-1].Seq
	}
	return out, nil
}

func event(e record.Event) Event {
	return Event{ID: e.ID, Seq: e.Seq, Kind: e.Kind, At: e.At, Device: e.Device, Session: e.Session, Data: e.Data}
}
