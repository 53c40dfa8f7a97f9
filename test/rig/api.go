//go:build linux

package rig

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"
)

// API is a partner's program that uses the REST API on a host of its own, with an API key.
type API struct {
	hub    *Hub
	key    string
	client *http.Client
}

// Session is what the API tells of a session, as far as tests look.
type Session struct {
	ID     string `json:"id"`
	Device string `json:"device"`
	Viewer string `json:"viewer"`
	State  string `json:"state"`
	Reason string `json:"reason"`
	Path   *struct {
		Kind  string `json:"kind"`
		Means string `json:"means"`
	} `json:"path"`
	Relayed Relayed `json:"relayed"`
	// What follows is told of a single session only: how its media went.
	Upgraded     bool         `json:"upgraded"`
	RelayReason  *RelayReason `json:"relay_reason"`
	Paths        []PathChange `json:"paths"`
	DirectPathMS int64        `json:"direct_path_ms"`
	Direct       Carried      `json:"direct"`
	Relay        Carried      `json:"relay"`
}

// RelayReason says why a session goes through the relay.
type RelayReason struct {
	Code string `json:"code"`
	Text string `json:"text"`
}

// PathChange is what one end told of its path, and how the media went from then on.
type PathChange struct {
	By    string `json:"by"`
	Kind  string `json:"kind"`
	Means string `json:"means"`
}

// Carried is how much media went one way, as the ends count it.
type Carried struct {
	TimeS float64 `json:"time_s"`
	Bytes uint64  `json:"bytes"`
}

// Relayed is what went through the relay for a session.
type Relayed struct {
	UpBytes     uint64 `json:"up_bytes"`
	UpPackets   uint64 `json:"up_packets"`
	DownBytes   uint64 `json:"down_bytes"`
	DownPackets uint64 `json:"down_packets"`
}

// Device is what the API tells of a device, as far as tests look.
type Device struct {
	ID       string `json:"id"`
	Name     string `json:"name"`
	Presence struct {
		Status     string `json:"status"`
		Generation uint64 `json:"generation"`
		Transport  string `json:"transport"`
		Fallback   struct {
			Reason string `json:"reason"`
			Detail string `json:"detail"`
		} `json:"fallback"`
	} `json:"presence"`
	// Network is what it says of its network, told of a single device only; nil is nothing.
	Network *struct {
		Kind string `json:"kind"`
		TCP  bool   `json:"tcp"`
	} `json:"network"`
}

// Token is a viewer's token and when it expires.
type Token struct {
	Token   string    `json:"token"`
	Expires time.Time `json:"expires"`
}

// Problem is an answer of the API that is not a success.
type Problem struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
	Detail string `json:"detail"`
}

func (p *Problem) Error() string { return fmt.Sprintf("%d %s: %s", p.Status, p.Code, p.Detail) }

// API makes a key of the default project and returns a client that uses it.
func (h *Hub) API(ctx context.Context) (*API, error) {
	key, err := h.Key(ctx)
	if err != nil {
		return nil, err
	}
	return &API{
		hub: h, key: key,
		client: &http.Client{Transport: &http.Transport{DialContext: h.rig.Partner.Dial}, Timeout: 10 * time.Second},
	}, nil
}

// Sessions lists the sessions of a device, the newest first.
func (a *API) Sessions(ctx context.Context, device string) ([]Session, error) {
	var out struct{ Sessions []Session }
	err := a.Do(ctx, http.MethodGet, "/v1/sessions?device="+url.QueryEscape(device), nil, &out)
	return out.Sessions, err
}

// Session gets one session.
func (a *API) Session(ctx context.Context, id string) (s Session, err error) {
	err = a.Do(ctx, http.MethodGet, "/v1/sessions/"+id, nil, &s)
	return s, err
}

// CloseSession ends a session.
func (a *API) CloseSession(ctx context.Context, id string) error {
	return a.Do(ctx, http.MethodDelete, "/v1/sessions/"+id, nil, nil)
}

// Device gets one device.
func (a *API) Device(ctx context.Context, id string) (d Device, err error) {
	err = a.Do(ctx, http.MethodGet, "/v1/devices/"+id, nil, &d)
	return d, err
}

// DeleteDevice revokes a device.
func (a *API) DeleteDevice(ctx context.Context, id string) error {
	return a.Do(ctx, http.MethodDelete, "/v1/devices/"+id, nil, nil)
}

// Token makes a viewer's token; the subject is who looks.
func (a *API) Token(ctx context.Context, device, subject string, life time.Duration) (t Token, err error) {
	body := map[string]any{"device": device, "subject": subject, "ttl_s": int(life.Seconds())}
	err = a.Do(ctx, http.MethodPost, "/v1/tokens", body, &t)
	return t, err
}

// Do asks for path with the key and decodes the answer; a refusal is a *Problem.
func (a *API) Do(ctx context.Context, method, path string, body, answer any) (err error) {
	var sent io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return err
		}
		sent = bytes.NewReader(b)
	}
	request, err := http.NewRequestWithContext(ctx, method, a.hub.URL+path, sent)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+a.key)
	if body != nil {
		request.Header.Set("Content-Type", "application/json")
	}
	response, err := a.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	decode := json.NewDecoder(response.Body).Decode
	switch {
	case response.StatusCode >= http.StatusMultipleChoices:
		p := &Problem{Status: response.StatusCode}
		if err := decode(p); err != nil {
			return fmt.Errorf("%s %s: status %d without a problem: %w", method, path, response.StatusCode, err)
		}
		return p
	case answer == nil:
		return nil
	default:
		return decode(answer)
	}
}
