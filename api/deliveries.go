package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Delivery is one attempt to send an event to an endpoint.
type Delivery struct {
	Event    string            `json:"event_id" doc:"The event's identifier, and the webhook-id of the request"`
	Seq      uint64            `json:"seq"`
	Kind     record.EventKind  `json:"kind"`
	Device   protocol.DeviceID `json:"device,omitempty"`
	Attempt  int               `json:"attempt" doc:"Counts those of the event from 1"`
	At       time.Time         `json:"at"`
	TookMS   int64             `json:"took_ms"`
	Status   int               `json:"status,omitempty" doc:"What the endpoint answered; absent: nothing"`
	Error    string            `json:"error,omitempty" doc:"Why it failed; absent: it succeeded"`
	Response string            `json:"response,omitempty" doc:"The beginning of the answer's body"`
}

type (
	deliveriesInput struct {
		OneWebhook
		Page
		Outcome string            `query:"outcome" enum:"succeeded,failed"`
		Event   string            `query:"event" maxLength:"64" doc:"Only attempts of this event"`
		Kind    record.EventKind  `query:"kind" maxLength:"64" doc:"Only attempts of events of this kind"`
		Device  protocol.DeviceID `query:"device" maxLength:"64" doc:"Only attempts of events of this device"`
	}
	deliveriesOutput struct {
		Body struct {
			Deliveries []Delivery `json:"deliveries" nullable:"false"`
			NextCursor string     `json:"next_cursor,omitempty"`
		}
	}
	deadLettersInput struct {
		OneWebhook
		Page
	}
	deadLettersOutput struct {
		Body struct {
			Events     []Event `json:"events" nullable:"false"`
			NextCursor string  `json:"next_cursor,omitempty"`
		}
	}
	replayInput struct {
		OneWebhook
		Body struct {
			Event string `json:"event,omitempty" maxLength:"64" doc:"The event_id of one event"`
			From  uint64 `json:"from,omitempty" maximum:"9007199254740991" doc:"The seq of the first event"`
			To    uint64 `json:"to,omitempty" maximum:"9007199254740991" doc:"The seq of the last event; absent: the newest that was sent"`
			Dead  bool   `json:"dead,omitempty" doc:"Only dead letters: all, or those from and to say"`
		}
	}
	testOutput struct {
		Body Delivery
	}
)

func (a *API) addDeliveries(tags []string) {
	add(a, huma.Operation{
		OperationID: "test-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{webhook}/test", Tags: tags,
		Summary:     "Send an event of the type webhook.test now, and say what was answered",
		Description: "If the endpoint was failing and takes it, what waits is sent at once.",
	}, a.testWebhook)
	add(a, huma.Operation{
		OperationID: "list-deliveries", Method: http.MethodGet, Path: "/v1/webhooks/{webhook}/deliveries", Tags: tags,
		Summary: "List the last attempts, the newest first: 100 that succeeded and 200 that failed are kept",
	}, a.listDeliveries)
	add(a, huma.Operation{
		OperationID: "list-dead-letters", Method: http.MethodGet, Path: "/v1/webhooks/{webhook}/dead-letters", Tags: tags,
		Summary: "List the events that could not be delivered in time, the oldest first, as long as events are kept",
	}, a.listDeadLetters)
	add(a, huma.Operation{
		OperationID: "replay-webhook", Method: http.MethodPost, Path: "/v1/webhooks/{webhook}/replay", Tags: tags,
		Summary: "Send events again: one, those of a range, or dead letters", DefaultStatus: http.StatusAccepted,
		Description: "Each has the same webhook-id as before. They come in the order of their numbers for each device, before what waits.",
	}, a.replayWebhook)
}

func (a *API) testWebhook(ctx context.Context, in *OneWebhook) (*testOutput, error) {
	w, err := a.config.Webhooks.Webhook(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	return &testOutput{Body: delivery(a.config.Courier.Test(ctx, w))}, nil
}

func (a *API) listDeliveries(ctx context.Context, in *deliveriesInput) (*deliveriesOutput, error) {
	filter := record.DeliveryFilter{Event: in.Event, Kind: in.Kind, Device: in.Device}
	switch in.Outcome {
	case "succeeded":
		filter.Succeeded = record.Yes
	case "failed":
		filter.Succeeded = record.No
	}
	list, next, err := a.config.Webhooks.Deliveries(ctx, keyOf(ctx).Project, in.ID, filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &deliveriesOutput{}
	out.Body.Deliveries, out.Body.NextCursor = each(list, delivery), next
	return out, nil
}

func (a *API) listDeadLetters(ctx context.Context, in *deadLettersInput) (*deadLettersOutput, error) {
	list, next, err := a.config.Webhooks.DeadLetters(ctx, keyOf(ctx).Project, in.ID, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &deadLettersOutput{}
	out.Body.Events, out.Body.NextCursor = each(list, event), next
	return out, nil
}

func (a *API) replayWebhook(ctx context.Context, in *replayInput) (*struct{}, error) {
	b := in.Body
	if b.Event == "" && b.From == 0 && !b.Dead {
		return nil, protocol.Errorf(protocol.CodeInvalid, "say which events: event, from, or dead")
	}
	if b.Event != "" && (b.From != 0 || b.To != 0 || b.Dead) {
		return nil, protocol.Errorf(protocol.CodeInvalid, "event goes with nothing else")
	}
	if b.To != 0 && b.To < b.From {
		return nil, protocol.Errorf(protocol.CodeInvalid, "to is before from")
	}
	replay := record.Replay{Event: b.Event, Range: record.SeqRange{First: b.From, Last: b.To}, Dead: b.Dead}
	if err := a.config.Webhooks.ReplayWebhook(ctx, keyOf(ctx).Project, in.ID, replay); err != nil {
		return nil, err
	}
	a.config.Courier.Replayed(in.ID)
	return nil, nil
}

func delivery(d record.Delivery) Delivery {
	return Delivery{
		Event: d.Event, Seq: d.Seq, Kind: d.Kind, Device: d.Device, Attempt: d.Attempt, At: d.At, TookMS: d.Took.Milliseconds(),
		Status: d.Status, Error: d.Err, Response: d.Response,
	}
}
