package api

import (
	"context"
	"crypto/ed25519"
	"encoding/base64"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/record"
)

// Webhook is an endpoint to which the project's events are sent.
type Webhook struct {
	ID        string              `json:"id"`
	URL       string              `json:"url"`
	Name      string              `json:"name"`
	Kinds     []record.EventKind  `json:"kinds" nullable:"false" doc:"What is sent; empty: every kind"`
	Enabled   bool                `json:"enabled"`
	State     record.WebhookState `json:"state" enum:"on,paused,gone" doc:"paused: by the project; gone: the endpoint answered 410. Either keeps its place, and is sent what it missed when it is enabled again"`
	Since     time.Time           `json:"since" doc:"Since when the state is what it is"`
	PublicKey string              `json:"public_key" doc:"Verifies the v1a signatures (Ed25519), whpk_…"`
	OldSecret time.Time           `json:"old_secret_until,omitzero" doc:"Until when deliveries are signed with the secret before as well"`
	Cursor    uint64              `json:"cursor" doc:"The number of the newest event that was sent, or tried, or is a dead letter"`
	Failing   time.Time           `json:"failing_since,omitzero" doc:"Since when no delivery succeeds; absent while they do"`
	Missed    uint64              `json:"missed,omitzero" doc:"Events of all kinds that were too old, or too many, to be kept until they could be sent"`
	Created   time.Time           `json:"created"`
}

// OneWebhook chooses a webhook.
type OneWebhook struct {
	ID string `path:"webhook" maxLength:"64"`
}

type (
	webhookOutput struct {
		ETag string `header:"ETag"`
		Body Webhook
	}
	createWebhookInput struct {
		Body struct {
			URL   string   `json:"url" minLength:"1" maxLength:"2048" doc:"An https URL of a public address, on port 443 or one from 1024 on"`
			Name  string   `json:"name,omitempty" maxLength:"128" doc:"What the endpoint is for"`
			Kinds []string `json:"kinds,omitempty" maxItems:"32" nullable:"false" enum:"device.online,device.suspect,device.offline,device.enrolled,device.deleted,device.alert,session.opened,session.live,session.path,session.ended,usage.report,budget.warning,budget.exhausted,key.revoked" doc:"What is sent; none: every kind"`
		}
	}
	secretOutput struct {
		ETag string `header:"ETag"`
		Body struct {
			Webhook
			Secret string `json:"secret" doc:"Verifies the v1 signatures (HMAC-SHA256), whsec_…. It is shown this once"`
		}
	}
	webhooksInput struct {
		Page
	}
	webhooksOutput struct {
		Body struct {
			Webhooks   []Webhook `json:"webhooks" nullable:"false"`
			NextCursor string    `json:"next_cursor,omitempty"`
		}
	}
	changeWebhookInput struct {
		OneWebhook
		Precondition
		Body struct {
			URL     *string   `json:"url,omitempty" minLength:"1" maxLength:"2048"`
			Name    *string   `json:"name,omitempty" maxLength:"128"`
			Kinds   *[]string `json:"kinds,omitempty" maxItems:"32" nullable:"false" enum:"device.online,device.suspect,device.offline,device.enrolled,device.deleted,device.alert,session.opened,session.live,session.path,session.ended,usage.report,budget.warning,budget.exhausted,key.revoked"`
			Enabled *bool     `json:"enabled,omitempty" doc:"false: nothing is sent until it is true again"`
		}
	}
)

func (a *API) addWebhooks() {
	tags := []string{"webhooks"}
	add(a, huma.Operation{
		OperationID: "create-webhook", Method: http.MethodPost, Path: "/v1/webhooks", Tags: tags,
		Summary: "Have events sent to an endpoint from now on", DefaultStatus: http.StatusCreated,
	}, a.createWebhook)
	add(a, huma.Operation{
		OperationID: "list-webhooks", Method: http.MethodGet, Path: "/v1/webhooks", Tags: tags,
		Summary: "List the webhooks, the newest first",
	}, a.listWebhooks)
	add(a, huma.Operation{
		OperationID: "get-webhook", Method: http.MethodGet, Path: "/v1/webhooks/{webhook}", Tags: tags,
		Summary: "Get a webhook, and how its deliveries go",
	}, a.getWebhook)
	add(a, huma.Operation{
		OperationID: "change-webhook", Method: http.MethodPatch, Path: "/v1/webhooks/{webhook}", Tags: tags,
		Summary: "Change a webhook: what the request leaves out stays",
	}, a.changeWebhook)
	add(a, huma.Operation{
		OperationID: "delete-webhook", Method: http.MethodDelete, Path: "/v1/webhooks/{webhook}", Tags: tags,
		Summary: "Delete a webhook with all that waits for it",
	}, a.deleteWebhook)
	add(a, huma.Operation{
		OperationID: "rotate-webhook-secret", Method: http.MethodPost, Path: "/v1/webhooks/{webhook}/rotate-secret", Tags: tags,
		Summary: "Make a new secret. Deliveries are signed with the old one too for 24 hours",
	}, a.rotateWebhookSecret)
	a.addDeliveries(tags)
}

func (a *API) createWebhook(ctx context.Context, in *createWebhookInput) (*secretOutput, error) {
	if err := a.config.Courier.Check(ctx, in.Body.URL); err != nil {
		return nil, err
	}
	w, err := a.config.Webhooks.CreateWebhook(ctx, keyOf(ctx).Project, in.Body.URL, in.Body.Name, each(in.Body.Kinds, kindOf))
	if err != nil {
		return nil, err
	}
	a.config.Courier.Changed()
	return withSecret(w), nil
}

func (a *API) listWebhooks(ctx context.Context, in *webhooksInput) (*webhooksOutput, error) {
	list, next, err := a.config.Webhooks.Webhooks(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &webhooksOutput{}
	out.Body.Webhooks, out.Body.NextCursor = each(list, webhook), next
	return out, nil
}

func (a *API) getWebhook(ctx context.Context, in *OneWebhook) (*webhookOutput, error) {
	w, err := a.config.Webhooks.Webhook(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	return &webhookOutput{ETag: webhookTag(w), Body: webhook(w)}, nil
}

func (a *API) changeWebhook(ctx context.Context, in *changeWebhookInput) (*webhookOutput, error) {
	if in.Body.URL != nil {
		if err := a.config.Courier.Check(ctx, *in.Body.URL); err != nil {
			return nil, err
		}
	}
	w, err := a.config.Webhooks.ChangeWebhook(ctx, keyOf(ctx).Project, in.ID, func(w *record.Webhook) error {
		if err := in.check(webhookTag(*w)); err != nil {
			return err
		}
		in.apply(w)
		return nil
	})
	if err != nil {
		return nil, err
	}
	a.config.Courier.Changed()
	return &webhookOutput{ETag: webhookTag(w), Body: webhook(w)}, nil
}

// apply makes the change. The store sees to Since.
func (in *changeWebhookInput) apply(w *record.Webhook) {
	b := in.Body
	if b.URL != nil {
		w.URL = *b.URL
	}
	if b.Name != nil {
		w.Name = *b.Name
	}
	if b.Kinds != nil {
		w.Kinds = each(*b.Kinds, kindOf)
	}
	switch {
	case b.Enabled == nil:
	case *b.Enabled:
		w.State = record.WebhookOn
	case w.State == record.WebhookOn:
		w.State = record.WebhookPaused
	}
}

func (a *API) deleteWebhook(ctx context.Context, in *OneWebhook) (*struct{}, error) {
	if err := a.config.Webhooks.DeleteWebhook(ctx, keyOf(ctx).Project, in.ID); err != nil {
		return nil, err
	}
	a.config.Courier.Changed()
	return nil, nil
}

func (a *API) rotateWebhookSecret(ctx context.Context, in *OneWebhook) (*secretOutput, error) {
	w, err := a.config.Webhooks.RotateWebhookSecret(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	a.config.Courier.Changed()
	return withSecret(w), nil
}

func webhook(w record.Webhook) Webhook {
	public, _ := w.Private.Public().(ed25519.PublicKey)
	out := Webhook{
		ID: w.ID, URL: w.URL, Name: w.Name, Kinds: append([]record.EventKind{}, w.Kinds...),
		Enabled: w.State == record.WebhookOn, State: w.State, Since: w.Since,
		PublicKey: "whpk_" + base64.StdEncoding.EncodeToString(public),
		Cursor:    w.Cursor, Failing: w.Failing, Missed: w.Missed, Created: w.Created, OldSecret: w.OldUntil,
	}
	return out
}

func withSecret(w record.Webhook) *secretOutput {
	out := &secretOutput{ETag: webhookTag(w)}
	out.Body.Webhook, out.Body.Secret = webhook(w), "whsec_"+base64.StdEncoding.EncodeToString(w.Secret)
	return out
}

func kindOf(text string) record.EventKind { return record.EventKind(text) }

// webhookTag is of what can be changed: how deliveries go does not change it.
func webhookTag(w record.Webhook) string { return etagOf(w.ID, w.URL, w.Name, w.Kinds, w.State) }
