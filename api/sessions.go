package api

import (
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Session is one viewer looking at one device, as partners see it.
type Session struct {
	ID       protocol.SessionID    `json:"id"`
	Kind     record.SessionKind    `json:"kind" enum:"live,test" doc:"A test session belongs to a measuring tool and has no device"`
	Project  protocol.ProjectID    `json:"project" doc:"The viewer's project. Another than yours looks at a device that you share"`
	Device   protocol.DeviceID     `json:"device,omitempty"`
	Owner    protocol.ProjectID    `json:"owner,omitempty" doc:"The device's project, where that is another"`
	Viewer   string                `json:"viewer,omitempty" doc:"The subject of the viewer's token"`
	Key      protocol.KeyID        `json:"key,omitempty" doc:"The key that made or signed the viewer's token"`
	State    protocol.SessionState `json:"state" enum:"opening,answered,ended"`
	Reason   protocol.Reason       `json:"reason,omitempty" doc:"Why it ended"`
	Grants   []protocol.Right      `json:"grants" nullable:"false"`
	Media    protocol.Media        `json:"media"`
	Door     protocol.Transport    `json:"door,omitempty" doc:"What the viewer came by: websocket, long_poll, whep, kvs or rest"`
	Created  time.Time             `json:"created"`
	Expires  time.Time             `json:"expires"`
	Answered time.Time             `json:"answered,omitzero"`
	Ended    time.Time             `json:"ended,omitzero"`
	Path     *Path                 `json:"path,omitempty" doc:"How the media goes, once that is known, as both ends see it together"`
	Relayed  Traffic               `json:"relayed" doc:"What went through the relay, as payload"`
}

// Traffic counts payload without any header; up is from the TURN client to its peer.
type Traffic struct {
	UpBytes     uint64 `json:"up_bytes"`
	UpPackets   uint64 `json:"up_packets"`
	DownBytes   uint64 `json:"down_bytes"`
	DownPackets uint64 `json:"down_packets"`
}

type (
	sessionInput struct {
		ID protocol.SessionID `path:"session" maxLength:"64"`
	}
	sessionOutput struct {
		Body SessionDetails
	}
	sessionsInput struct {
		Page
		Device protocol.DeviceID     `query:"device" maxLength:"64" doc:"Only sessions of this device"`
		State  protocol.SessionState `query:"state" enum:"opening,answered,ended" doc:"Only sessions in this state"`
	}
	sessionsOutput struct {
		Body struct {
			Sessions   []Session `json:"sessions" nullable:"false"`
			NextCursor string    `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addSessions() {
	add(a, openSessionOperation(), a.openSession)
	add(a, huma.Operation{
		OperationID: "list-sessions", Method: http.MethodGet, Path: "/v1/sessions", Tags: []string{"sessions"},
		Summary: "List the sessions of the last 30 days, also those of other projects with devices that you share, the newest first",
	}, a.listSessions)
	add(a, huma.Operation{
		OperationID: "get-session", Method: http.MethodGet, Path: "/v1/sessions/{session}", Tags: []string{"sessions"},
		Summary:     "Get a session, and how its media went",
		Description: "Every path that it had and why it needed the relay, what each end told, time and bytes by kind of path.",
	}, a.getSession)
	add(a, huma.Operation{
		OperationID: "close-session", Method: http.MethodDelete, Path: "/v1/sessions/{session}", Tags: []string{"sessions"},
		Summary:     "Close a session: the picture stops at once",
		Description: "When this is answered, both ends have been told and the relay is closed. Closing it once more is harmless.",
	}, a.closeSession)
}

func (a *API) listSessions(ctx context.Context, in *sessionsInput) (*sessionsOutput, error) {
	filter := record.SessionFilter{Device: in.Device, State: in.State}
	list, next, err := a.config.Sessions.List(ctx, keyOf(ctx).Project, filter, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &sessionsOutput{}
	out.Body.Sessions = each(list, func(s record.Session) Session { return session(seenBy(keyOf(ctx).Project, s)) })
	out.Body.NextCursor = next
	return out, nil
}

func (a *API) getSession(ctx context.Context, in *sessionInput) (*sessionOutput, error) {
	s, err := a.config.Sessions.Get(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	return &sessionOutput{Body: sessionDetails(seenBy(keyOf(ctx).Project, s), a.config.Now())}, nil
}

// closeSession asks the hub first, which alone can stop the picture. One that the hub does not know is only a row.
func (a *API) closeSession(ctx context.Context, in *sessionInput) (*struct{}, error) {
	s, err := a.config.Sessions.Get(ctx, keyOf(ctx).Project, in.ID)
	if err != nil || !s.Ended.IsZero() {
		return nil, err
	}
	err = a.config.Hub.Close(ctx, s.ID, protocol.ReasonClosedByAPI)
	if err != nil && !errors.Is(err, &protocol.Error{Code: protocol.CodeNotFound}) {
		return nil, err
	}
	return nil, a.config.Sessions.End(ctx, s.Project, s.ID, protocol.ReasonClosedByAPI)
}

// seenBy is a session as a project may see it: who looks is not told to the owner of the device, but for the project.
func seenBy(project protocol.ProjectID, s record.Session) record.Session {
	if s.Project != project {
		s.Viewer, s.Key = "", ""
	}
	return s
}

func session(s record.Session) Session {
	out := Session{
		ID: s.ID, Kind: s.Kind, Project: s.Project, Device: s.Device, Owner: s.DeviceProject, Viewer: s.Viewer, Key: s.Key, State: stateOf(s), Reason: s.Reason,
		Grants: s.Rights, Media: s.Media, Door: s.Door,
		Created: s.Created, Expires: s.Expires, Answered: s.Answered, Ended: s.Ended,
		Relayed: Traffic(s.Relayed),
	}
	if out.Grants == nil {
		out.Grants = []protocol.Right{}
	}
	if s.Path.Kind != "" {
		path := Path(s.Path)
		out.Path = &path
	}
	return out
}

func stateOf(s record.Session) protocol.SessionState {
	switch {
	case !s.Ended.IsZero():
		return protocol.SessionEnded
	case !s.Answered.IsZero():
		return protocol.SessionAnswered
	}
	return protocol.SessionOpening
}
