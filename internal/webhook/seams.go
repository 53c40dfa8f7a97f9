package webhook

import (
	"context"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Store keeps endpoints, events, and what has become of deliveries.
type Store interface {
	AllWebhooks(ctx context.Context) ([]record.Webhook, error)
	WaitingDeliveries(ctx context.Context, webhook string) ([]record.WaitingDelivery, error)
	WebhookReplays(ctx context.Context, webhook string) ([]record.ReplayRange, error)
	SaveWebhookProgress(ctx context.Context, progress []record.WebhookProgress) error
	// Events returns a project's events in the order of their numbers, which have no gaps but where the history was cut.
	Events(ctx context.Context, project protocol.ProjectID, filter record.EventFilter, limit int) ([]record.Event, error)
	// LastEvent returns the number of a project's newest event.
	LastEvent(ctx context.Context, project protocol.ProjectID) (uint64, error)
	// Follow tells of new events of a project.
	Follow(project protocol.ProjectID) (news <-chan struct{}, cancel func())
}
