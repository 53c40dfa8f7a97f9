package api

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Connection is one socket of a device, as partners see it.
type Connection struct {
	Link       protocol.LinkID    `json:"link" doc:"The link that it carried, as the server's log names it; a link that is resumed has several connections"`
	Generation uint64             `json:"generation" doc:"Counts the device's links"`
	Address    string             `json:"address,omitempty" doc:"Where it came from"`
	Transport  protocol.Transport `json:"transport" doc:"websocket or long_poll"`
	Fallback   *Fallback          `json:"fallback,omitempty" doc:"Why it was no WebSocket, as the device said"`
	Agent      *Agent             `json:"agent,omitempty" doc:"What the device said of its software"`
	Opened     time.Time          `json:"opened"`
	Closed     time.Time          `json:"closed,omitzero" doc:"Absent while it is open"`
	Cause      record.Cause       `json:"cause,omitempty" doc:"Why it ended: bye, lost, silent, too_slow, replaced, superseded, revoked, going_away, protocol, internal or hub_lost; there may be more one day"`
	Detail     string             `json:"detail,omitempty" doc:"The cause in words"`
	Bye        bool               `json:"bye,omitempty" doc:"The device announced its end"`
}

// Fallback is what a device saw of the WebSockets that failed.
type Fallback struct {
	Reason protocol.FallbackReason `json:"reason" doc:"status, refused, silent, intercepted, captive_portal, unreachable, cut or unknown; there may be more one day"`
	Detail string                  `json:"detail,omitempty" doc:"What it saw, in words"`
}

// Agent is the software of a device, in its own words.
type Agent struct {
	Name    string `json:"name"`
	Version string `json:"version,omitempty"`
	Model   string `json:"model,omitempty"`
}

type connectionsOutput struct {
	Body struct {
		Connections []Connection `json:"connections" nullable:"false"`
	}
}

func (a *API) addConnections() {
	add(a, huma.Operation{
		OperationID: "list-connections", Method: http.MethodGet, Path: "/v1/devices/{device}/connections", Tags: []string{"devices"},
		Summary:     "List the last 20 connections of a device, the newest first",
		Description: "Why a camera drops: each connection with its beginning, its end and the cause. The current one has no end.",
	}, a.listConnections)
}

func (a *API) listConnections(ctx context.Context, in *deviceInput) (*connectionsOutput, error) {
	list, err := a.config.Devices.Connections(ctx, keyOf(ctx).Project, in.ID)
	if err != nil {
		return nil, err
	}
	out := &connectionsOutput{}
	out.Body.Connections = each(list, connection)
	return out, nil
}

func connection(c record.Connection) Connection {
	return Connection{
		Link: c.Link, Generation: c.Generation, Address: addressText(c.Address), Transport: c.Transport, Fallback: fallback(c.Fallback), Agent: agent(c.Program),
		Opened: c.Opened, Closed: c.Closed, Cause: c.Cause, Detail: c.Detail, Bye: c.Bye,
	}
}

func fallback(f *protocol.Fallback) *Fallback {
	if f == nil {
		return nil
	}
	return &Fallback{Reason: f.Reason, Detail: f.Detail}
}

func agent(c protocol.Client) *Agent {
	if c == (protocol.Client{}) {
		return nil
	}
	return &Agent{Name: c.Name, Version: c.Version, Model: c.Model}
}

// addressText is empty for no address.
func addressText(a netip.Addr) string {
	if !a.IsValid() {
		return ""
	}
	return a.String()
}
