package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
)

type (
	openSessionInput struct {
		Body struct {
			Device     protocol.DeviceID `json:"device" maxLength:"64" doc:"The device to look at"`
			Offer      string            `json:"offer" minLength:"1" maxLength:"49152" doc:"A session description (RFC 8866) with all candidates: one bundle, rtcp-mux, something to receive"`
			TimeoutMS  int               `json:"timeout_ms,omitempty" minimum:"500" maximum:"6000" default:"6000" doc:"How long the answer and its candidates may take"`
			Grants     []protocol.Right  `json:"grants,omitempty" minItems:"1" maxItems:"4" nullable:"false" enum:"view,audio,talk,control" default:"[\"view\",\"audio\"]" doc:"What the viewer may do"`
			TTLSeconds int               `json:"ttl_s,omitempty" minimum:"10" maximum:"86400" default:"3600" doc:"How long the session may live"`
			Subject    string            `json:"subject,omitempty" maxLength:"128" doc:"Who looks, in your words"`
		}
	}
	openSessionOutput struct {
		Location string `header:"Location" doc:"The session"`
		Body     struct {
			Session    protocol.SessionID `json:"session"`
			Answer     string             `json:"answer" doc:"The device's session description with all of its candidates"`
			Expires    time.Time          `json:"expires"`
			Resource   string             `json:"resource" doc:"The path at which a WHEP player may trickle, restart ICE and end the session, without any key: it is a secret"`
			ETag       string             `json:"etag" doc:"The resource's ICE session, for If-Match"`
			ICEServers []ICEServer        `json:"ice_servers" nullable:"false" doc:"STUN and TURN servers for the viewer, with credentials of this session"`
		}
	}
)

// ICEServer is one entry of an RTCPeerConnection's iceServers.
type ICEServer protocol.ICEServer

func (a *API) openSession(ctx context.Context, in *openSessionInput) (*openSessionOutput, error) {
	viewer, err := a.viewer(ctx, in.Body.Device, distinct(in.Body.Grants), time.Duration(in.Body.TTLSeconds)*time.Second)
	if err != nil {
		return nil, err
	}
	viewer.Subject = in.Body.Subject
	answer, err := a.config.Hub.Answer(ctx, viewer, in.Body.Offer, time.Duration(in.Body.TimeoutMS)*time.Millisecond)
	if err != nil {
		return nil, err
	}
	out := &openSessionOutput{Location: "/v1/sessions/" + string(answer.Session)}
	out.Body.Session, out.Body.Answer, out.Body.Expires = answer.Session, answer.SDP, answer.Expires
	out.Body.Resource, out.Body.ETag = answer.Resource, answer.ETag
	out.Body.ICEServers = each(answer.ICEServers, func(s protocol.ICEServer) ICEServer { return ICEServer(s) })
	return out, nil
}

func openSessionOperation() huma.Operation {
	return huma.Operation{
		OperationID: "open-session", Method: http.MethodPost, Path: "/v1/sessions", Tags: []string{"sessions"},
		Summary:       "Look at a device: an offer is answered with the device's whole answer",
		Description:   "For backends that speak offer and answer alone, and wait for them. Pages and apps open sessions with a token.",
		DefaultStatus: http.StatusCreated,
	}
}
