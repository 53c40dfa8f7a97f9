package api

import (
	"context"
	"crypto/ed25519"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// What the API asks of others. Their failures are protocol.Errors where a client may know the reason. Lists return the
// cursor to the next page, empty at the end.
type (
	// Keys keeps the API keys.
	Keys interface {
		Authenticate(ctx context.Context, plain string) (record.Key, error)
		// CreateKey makes a key with the project, name, scopes and expiry of what is asked for.
		CreateKey(ctx context.Context, asked record.Key) (record.Key, auth.Secret, error)
		Keys(ctx context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Key, string, error)
		RevokeKey(ctx context.Context, project protocol.ProjectID, id protocol.KeyID) error
		// RotateKey makes a successor of a key of the asking one's project. The old key lives for the overlap.
		RotateKey(ctx context.Context, by record.Key, id protocol.KeyID, overlap time.Duration) (record.Key, auth.Secret, error)
	}
	// PartnerKeys keeps the public keys with which partners sign viewer tokens.
	PartnerKeys interface {
		CreatePartnerKey(ctx context.Context, project protocol.ProjectID, name string, public ed25519.PublicKey) (record.PartnerKey, error)
		PartnerKeys(ctx context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.PartnerKey, string, error)
		RevokePartnerKey(ctx context.Context, project protocol.ProjectID, id protocol.KeyID) error
	}
	// DeviceGrants keeps which devices are shared. Both sides know a grant, and both may end it.
	DeviceGrants interface {
		// CreateDeviceGrant shares a device as the owner, viewer, rights, payer and expiry of what is asked for say.
		CreateDeviceGrant(ctx context.Context, asked record.DeviceGrant) (record.DeviceGrant, error)
		DeviceGrants(ctx context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.DeviceGrant, string, error)
		DeviceGrant(ctx context.Context, project protocol.ProjectID, id string) (record.DeviceGrant, error)
		EndDeviceGrant(ctx context.Context, by protocol.ProjectID, id string) error
		// SharedDevices lists what others share with a project; SharedDevice fails with CodeNotFound for what they do not.
		SharedDevices(ctx context.Context, with protocol.ProjectID, cursor string, limit int) ([]record.SharedDevice, string, error)
		SharedDevice(ctx context.Context, with protocol.ProjectID, id protocol.DeviceID) (record.SharedDevice, error)
	}
	// Access takes up what has changed of partners' keys, of device grants and of the terms of devices. It returns when whoever has lost access is out.
	Access interface {
		Refresh(ctx context.Context) error
	}
	// Claims keeps the requests that have an idempotency key, and their answers.
	Claims interface {
		// Claim takes the right to execute a request, or returns one that is Done. It fails with CodeIdempotencyMismatch,
		// CodeConflict and CodeAnswerLost.
		Claim(ctx context.Context, wanted record.Claim) (*record.Claim, error)
		// FinishClaim keeps an answer, nil for one that cannot be kept.
		FinishClaim(ctx context.Context, c *record.Claim, answer []byte) error
		// ReleaseClaim forgets a request that has changed nothing; else it returns false.
		ReleaseClaim(ctx context.Context, c *record.Claim) (released bool, err error)
	}
	// Projects knows the projects, and what they may use and have used of the relay.
	Projects interface {
		Project(ctx context.Context, id protocol.ProjectID) (record.Project, error)
		Plan(ctx context.Context, id protocol.ProjectID) (record.Plan, error)
		ProjectPage(ctx context.Context, cursor string, limit int) ([]record.Project, string, error)
		CreateProject(ctx context.Context, id protocol.ProjectID, name string) (record.Project, error)
		ChangeProject(ctx context.Context, id protocol.ProjectID, change record.ProjectChange) error
	}
	// Devices keeps the devices. Device returns those of all projects, and revoked ones.
	Devices interface {
		Device(ctx context.Context, id protocol.DeviceID) (record.Device, error)
		Devices(ctx context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Device, string, error)
		// ChangeDevice calls change with the device as it is, and keeps its name and terms as they are then; nobody else changes it meanwhile.
		ChangeDevice(ctx context.Context, project protocol.ProjectID, id protocol.DeviceID, change func(*record.Device) error) (record.Device, error)
		RevokeDevice(ctx context.Context, project protocol.ProjectID, id protocol.DeviceID) error
		// CreateDevice makes a device without an agent, and RenewBearer gives one another bearer token; it fails with
		// CodeConflict for a device that has an agent.
		CreateDevice(ctx context.Context, project protocol.ProjectID, name, model string) (record.Device, auth.Secret, error)
		RenewBearer(ctx context.Context, project protocol.ProjectID, id protocol.DeviceID) (record.Device, auth.Secret, error)
		// Connections returns the last few, the newest first, the current one included. It fails with CodeNotFound for a
		// device that is not the project's or was revoked.
		Connections(ctx context.Context, project protocol.ProjectID, id protocol.DeviceID) ([]record.Connection, error)
	}
	// Enrolments keeps the enrolment codes and redeems them.
	Enrolments interface {
		// CreateEnrolment makes a code with the project, name, count and models of what is asked for.
		CreateEnrolment(ctx context.Context, asked record.Enrolment, life time.Duration) (record.Enrolment, auth.Secret, error)
		Enrolments(ctx context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Enrolment, string, error)
		Enrolment(ctx context.Context, project protocol.ProjectID, id string) (record.Enrolment, error)
		// EnrolmentDevices lists those that joined with a code, deleted ones too.
		EnrolmentDevices(ctx context.Context, project protocol.ProjectID, id, cursor string, limit int) ([]record.Device, string, error)
		DeleteEnrolment(ctx context.Context, project protocol.ProjectID, id string) error
		Enrol(ctx context.Context, code string, key ed25519.PublicKey, name, model string) (record.Device, error)
	}
	// Sessions keeps the sessions. End is for those that no hub knows; it closes what they have of the relay too.
	Sessions interface {
		Get(ctx context.Context, project protocol.ProjectID, id protocol.SessionID) (record.Session, error)
		List(ctx context.Context, project protocol.ProjectID, filter record.SessionFilter, cursor string, limit int) ([]record.Session, string, error)
		End(ctx context.Context, project protocol.ProjectID, id protocol.SessionID, reason protocol.Reason) error
	}
	// Events keeps what happened, in the order of each project's numbers.
	Events interface {
		Events(ctx context.Context, project protocol.ProjectID, filter record.EventFilter, limit int) ([]record.Event, error)
		EventSpan(ctx context.Context, project protocol.ProjectID) (record.EventSpan, error)
		// Follow returns a channel that gets a token after events of the project were committed, until cancel is called.
		Follow(project protocol.ProjectID) (news <-chan struct{}, cancel func())
	}
	// Usage sums up how media went, ordered by device, day and means. Of devices it returns a page.
	Usage interface {
		PathUsage(ctx context.Context, project protocol.ProjectID, filter record.PathFilter, cursor string, devices int) ([]record.PathUsage, string, error)
	}
	// Budgeting keeps what projects may use of the relay, and the ledger of their points.
	Budgeting interface {
		// ChangeBudgets has change say what becomes of the budgets as they are now; its error comes back as it is.
		ChangeBudgets(ctx context.Context, project protocol.ProjectID, change func(record.Plan) (record.BudgetChange, error)) (record.Plan, error)
		// AddPoints does nothing, and returns the same entry, for a reference that was given before.
		AddPoints(ctx context.Context, project protocol.ProjectID, amount record.Points, reference, note string) (record.Entry, error)
		Entries(ctx context.Context, project protocol.ProjectID, filter record.EntryFilter, cursor string, limit int) ([]record.Entry, string, error)
	}
	// Hub knows what is alive. Its calls return when what they end has ended; Close fails with CodeNotFound for a
	// session that is not open there.
	Hub interface {
		Presence(id protocol.DeviceID) protocol.Presence
		// Connection returns the socket that a device has now; ok is false if it has none.
		Connection(id protocol.DeviceID) (c record.Connection, ok bool)
		// Network returns what a device has told of its network; ok is false where the hub knows nothing.
		Network(id protocol.DeviceID) (n record.DeviceNetwork, ok bool)
		Close(ctx context.Context, id protocol.SessionID, reason protocol.Reason) error
		// Answer opens a session for a whole offer, and waits at most so long for the device's whole answer. It fails with
		// CodeBadMessage and CodeInvalid for an offer that is none or cannot be served, with CodeOffline, CodeFull, CodeBusy,
		// CodeCodec, CodeQuota, CodeRateLimited and CodeTimeout.
		Answer(ctx context.Context, viewer auth.Viewer, offer string, wait time.Duration) (record.SessionAnswer, error)
		RevokeDevice(ctx context.Context, id protocol.DeviceID)
		// RenewDevice cuts a device off whose key was replaced.
		RenewDevice(id protocol.DeviceID)
		RevokeKey(ctx context.Context, id protocol.KeyID)
	}
	// Snapshots has the newest still picture of each device, a JPEG, and when it was taken. It fails with CodeOffline,
	// CodeTimeout, and with CodeNotFound for a camera that makes none.
	Snapshots interface {
		Snapshot(ctx context.Context, id protocol.DeviceID) ([]byte, time.Time, error)
	}
	// Webhooks keeps the endpoints to which events are sent, and what became of it. They fail with CodeNotFound for those of
	// other projects.
	Webhooks interface {
		CreateWebhook(ctx context.Context, project protocol.ProjectID, url, name string, kinds []record.EventKind) (record.Webhook, error)
		Webhooks(ctx context.Context, project protocol.ProjectID, cursor string, limit int) ([]record.Webhook, string, error)
		Webhook(ctx context.Context, project protocol.ProjectID, id string) (record.Webhook, error)
		// ChangeWebhook has the webhook changed as it is then, unless change fails.
		ChangeWebhook(ctx context.Context, project protocol.ProjectID, id string, change func(*record.Webhook) error) (record.Webhook, error)
		RotateWebhookSecret(ctx context.Context, project protocol.ProjectID, id string) (record.Webhook, error)
		DeleteWebhook(ctx context.Context, project protocol.ProjectID, id string) error
		Deliveries(ctx context.Context, project protocol.ProjectID, id string, filter record.DeliveryFilter, cursor string, limit int) ([]record.Delivery, string, error)
		DeadLetters(ctx context.Context, project protocol.ProjectID, id, cursor string, limit int) ([]record.Event, string, error)
		ReplayWebhook(ctx context.Context, project protocol.ProjectID, id string, replay record.Replay) error
	}
	// Courier sends to webhooks.
	Courier interface {
		// Check fails with CodeInvalid for a URL to which nothing is sent.
		Check(ctx context.Context, url string) error
		// Test sends a test event at once.
		Test(ctx context.Context, w record.Webhook) record.Delivery
		// Changed is called after webhooks were changed, Replayed after events are to be sent again.
		Changed()
		Replayed(id string)
	}
	// Tokens mints viewer tokens. auth.Keyring implements it.
	Tokens interface {
		Mint(viewer auth.Viewer, now time.Time) (string, error)
	}
)
