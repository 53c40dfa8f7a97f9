package sightline

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/sightline-rtc/sightline/protocol"
)

const webhooksPath = "/v1/webhooks"

// CreateWebhook has events sent to an endpoint from now on. The secret, with which ReadWebhook checks them, is shown this once.
func (c *Client) CreateWebhook(ctx context.Context, in CreateWebhookInput) (SecretOutput, error) {
	return post[SecretOutput](ctx, c, webhooksPath, in)
}

// Webhooks goes through the webhooks, the newest first.
func (c *Client) Webhooks(ctx context.Context) iter.Seq2[Webhook, error] {
	return list[Webhook](ctx, c, webhooksPath, "webhooks", nil)
}

// Webhook returns a webhook, and how its deliveries go.
func (c *Client) Webhook(ctx context.Context, id string, version ...*Version) (Webhook, error) {
	return ask[Webhook](ctx, c, request{method: http.MethodGet, path: at(webhooksPath, id), version: one(version)})
}

// ChangeWebhook changes what is told of it; the rest stays.
func (c *Client) ChangeWebhook(ctx context.Context, id string, in ChangeWebhookInput, version ...*Version) (Webhook, error) {
	return ask[Webhook](ctx, c, request{method: http.MethodPatch, path: at(webhooksPath, id), body: in, version: one(version)})
}

// DeleteWebhook deletes a webhook with all that waits for it.
func (c *Client) DeleteWebhook(ctx context.Context, id string) error {
	return c.remove(ctx, at(webhooksPath, id))
}

// TestWebhook sends an event to an endpoint at once, and returns what came of it.
func (c *Client) TestWebhook(ctx context.Context, id string) (Delivery, error) {
	return post[Delivery](ctx, c, at(webhooksPath, id)+"/test", nil)
}

// RotateWebhookSecret makes a new secret. Deliveries are signed with the old one too for 24 hours.
func (c *Client) RotateWebhookSecret(ctx context.Context, id string) (SecretOutput, error) {
	return post[SecretOutput](ctx, c, at(webhooksPath, id)+"/rotate-secret", nil)
}

// DeliveryFilter chooses deliveries. Empty fields choose all.
type DeliveryFilter struct {
	// Outcome is succeeded or failed.
	Outcome string
	Event   string
	Kind    EventKind
	Device  protocol.DeviceID
}

// Deliveries goes through the newest attempts to send events to an endpoint, the newest first.
func (c *Client) Deliveries(ctx context.Context, id string, filter DeliveryFilter) iter.Seq2[Delivery, error] {
	query := url.Values{}
	for name, value := range map[string]string{
		"outcome": filter.Outcome, "event": filter.Event, "kind": string(filter.Kind), "device": string(filter.Device),
	} {
		if value != "" {
			query.Set(name, value)
		}
	}
	return list[Delivery](ctx, c, at(webhooksPath, id)+"/deliveries", "deliveries", query)
}

// DeadLetters goes through the events that an endpoint did not take until their time was over.
func (c *Client) DeadLetters(ctx context.Context, id string) iter.Seq2[Event, error] {
	return list[Event](ctx, c, at(webhooksPath, id)+"/dead-letters", "events", nil)
}

// ReplayWebhook sends events to an endpoint again: one, those of a range, or all dead letters.
func (c *Client) ReplayWebhook(ctx context.Context, id string, in ReplayInput) error {
	_, err := c.do(ctx, request{method: http.MethodPost, path: at(webhooksPath, id) + "/replay", body: in})
	return err
}
