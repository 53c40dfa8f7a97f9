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
	Data    json.RawMessage    `json:"data" doc:"Depends on the kind: docs/api.md"`
}

type (
	eventsInput struct {
		After uint64   `query:"after" maximum:"9007199254740991" doc:"The next of the answer before: only later events are returned"`
		Kinds []string `query:"kinds" maxItems:"32" enum:"device.online,device.suspect,device.offline,device.enrolled,device.deleted,device.alert,session.opened,session.live,session.path,session.ended,usage.report,budget.warning,budget.exhausted,key.revoked" nullable:"false" doc:"Only events of these kinds, separated by commas"`
		Limit int      `query:"limit" minimum:"1" maximum:"1000" default:"100" doc:"How many to return at most"`
		Wait  int      `query:"wait" minimum:"0" maximum:"25" doc:"If there are none, wait for some, for as many seconds at most"`
	}
	eventsOutput struct {
		Body struct {
			Events []Event `json:"events" nullable:"false"`
			Next   uint64  `json:"next" doc:"What to give as after the next time"`
			First  uint64  `json:"first" doc:"The oldest event that is kept; if it is over after + 1, some are gone"`
		}
	}
)

func (a *API) addEvents() {
	add(a, huma.Operation{
		OperationID: "list-events", Method: http.MethodGet, Path: "/v1/events", Tags: []string{"events"},
		Summary: "List what happened after an event, the oldest first, or wait for it",
		Description: "Events are kept for 30 days, a million of a project at most. Each is kept together with what it tells of, or not at all. " +
			"32 requests of one API key can wait at a time, streams included.",
	}, a.listEvents)
	a.addEventStream()
}

func filterOf(after uint64, kinds []string) record.EventFilter {
	filter := record.EventFilter{After: after}
	for _, kind := range kinds {
		filter.Kinds = append(filter.Kinds, record.EventKind(kind))
	}
	return filter
}

func (a *API) listEvents(ctx context.Context, in *eventsInput) (*eventsOutput, error) {
	r := a.reading(ctx, filterOf(in.After, in.Kinds), in.Limit)
	list, err := r.next(ctx)
	if err == nil && len(list) == 0 && in.Wait > 0 {
		list, err = r.wait(ctx, time.Duration(in.Wait)*time.Second)
	}
	if err != nil {
		return nil, err
	}
	out := &eventsOutput{}
	out.Body.Events, out.Body.Next, out.Body.First = each(list, event), r.filter.After, r.first
	return out, nil
}

func event(e record.Event) Event {
	return Event{ID: e.ID, Seq: e.Seq, Kind: e.Kind, At: e.At, Device: e.Device, Session: e.Session, Data: e.Data}
}
