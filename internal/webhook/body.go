package webhook

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// maxBodyBytes is what Standard Webhooks asks endpoints to take.
const maxBodyBytes = 20 << 10

// testKind is the type of test events, which are in no history.
const testKind record.EventKind = "webhook.test"

// payload is the body of a request.
type payload struct {
	Type      record.EventKind   `json:"type"`
	Timestamp time.Time          `json:"timestamp"`
	ID        string             `json:"event_id"`
	Seq       uint64             `json:"seq,omitempty"`
	Project   protocol.ProjectID `json:"project"`
	Device    protocol.DeviceID  `json:"device,omitempty"`
	Session   protocol.SessionID `json:"session,omitempty"`
	Data      json.RawMessage    `json:"data"`
	// Link is where the API has the event, in place of data that is too large.
	Link string `json:"link,omitempty"`
}

// bodyOf returns what is sent of an event. Where that would be too large it has a link in place of the data.
func bodyOf(e *record.Event) []byte {
	p := payload{
		Type: e.Kind, Timestamp: e.At.UTC(), ID: e.ID, Seq: e.Seq, Project: e.Project, Device: e.Device, Session: e.Session, Data: e.Data,
	}
	if len(p.Data) == 0 {
		p.Data = json.RawMessage(`{}`)
	}
	body, err := json.Marshal(p)
	if err != nil || len(body) >= maxBodyBytes {
		p.Data, p.Link = json.RawMessage(`{}`), fmt.Sprintf("/v1/events?after=%d&limit=1", e.Seq-1)
		body, _ = json.Marshal(p) // nothing in it can fail now
	}
	return body
}
