//go:build linux

package rig

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// labPeers is what the relay must be told to allow: a lab's addresses are private.
const labPeers = "10.77.0.0/16"

// Where the hub and its relay listen on their host.
const (
	hubPort  = 8080
	turnPort = 3478
)

// Hub is a running server.
type Hub struct {
	*Process
	// URL is what browsers and agents are given, TURN the relay's addresses as its ready line names them.
	URL  string
	TURN []string

	rig *Rig
	// records are the flags that say where its records are.
	records []string
	listen  string
	turn    string
}

type hubReady struct {
	URL  string   `json:"url"`
	TURN []string `json:"turn"`
}

// Hub starts the server on its host with an empty data directory.
func (r *Rig) Hub(ctx context.Context, flags ...string) (*Hub, error) {
	return r.HubOn(ctx, "", flags...)
}

// HubOn is Hub for a server that keeps its records in a PostgreSQL database, unless that is empty.
func (r *Rig) HubOn(ctx context.Context, database string, flags ...string) (*Hub, error) {
	h := r.newHub(r.Server.Addr, r.Server.Addr)
	if database != "" {
		h.records = []string{"--database", database}
	}
	err := h.Start(ctx, flags...)
	return h, err
}

// HubEverywhere is Hub for a server that listens on all addresses of its host, as it has to behind a Middlebox.
func (r *Rig) HubEverywhere(ctx context.Context, flags ...string) (*Hub, error) {
	h := r.newHub(netip.IPv4Unspecified(), r.Server.Addr)
	err := h.Start(ctx, flags...)
	return h, err
}

// TownHub starts the server of a town: on all of its host's addresses, with NAT discovery.
func (r *Rig) TownHub(ctx context.Context, flags ...string) (*Hub, error) {
	h := r.newHub(netip.IPv4Unspecified(), netip.IPv4Unspecified())
	if r.Server.Addr6().IsValid() {
		h = r.newHub(netip.IPv6Unspecified(), netip.IPv6Unspecified())
	}
	url := "http://" + netip.AddrPortFrom(r.Server.Addr, hubPort).String()
	err := h.Start(ctx, append([]string{"--url", url, "--turn-alt-port", "3479"}, flags...)...)
	return h, err
}

func (r *Rig) newHub(listen, turn netip.Addr) *Hub {
	h := &Hub{
		rig:     r,
		records: []string{"--data", filepath.Join(r.scratch, "data")},
		listen:  netip.AddrPortFrom(listen, hubPort).String(),
		turn:    netip.AddrPortFrom(turn, turnPort).String(),
	}
	r.onClose(func() error {
		if h.Process != nil {
			h.Kill()
		}
		return nil
	})
	return h
}

// Start starts the server, the first time or again after it ended: with the same data, address and ports.
func (h *Hub) Start(ctx context.Context, flags ...string) error {
	args := slices.Concat(
		[]string{"serve", "--listen", h.listen, "--turn-listen", h.turn, "--allow-peers", labPeers}, h.records, flags)
	cmd := h.rig.Server.Command(context.WithoutCancel(ctx), h.rig.program("sightline"), args...)
	var ready hubReady
	p, err := Launch(ctx, "hub", cmd, h.rig.Log.from("hub"), &ready)
	if err != nil {
		return err
	}
	h.Process, h.URL, h.TURN = p, ready.URL, ready.TURN
	return nil
}

// RelayPort is the port on which TURN clients reach the relay, over UDP and TCP alike.
func (h *Hub) RelayPort() string {
	_, port, _ := net.SplitHostPort(h.turn)
	return port
}

// RelayAddr is where TURN clients reach the relay.
func (h *Hub) RelayAddr() string { return h.turn }

// Enrol makes a one-time code for a device of that name.
func (h *Hub) Enrol(ctx context.Context, name string) (string, error) {
	var out struct{ Code string }
	err := h.Do(ctx, &out, "enroll", "create", "--name", name)
	return out.Code, err
}

// Key makes an API key of the default project.
func (h *Hub) Key(ctx context.Context) (string, error) {
	var out struct{ Key string }
	err := h.Do(ctx, &out, "key", "create")
	return out.Key, err
}

// Token makes a viewer's token for a device.
func (h *Hub) Token(ctx context.Context, device string, flags ...string) (string, error) {
	var out struct{ Token string }
	err := h.Do(ctx, &out, append([]string{"token", "create", "--device", device}, flags...)...)
	return out.Token, err
}

// Credentials open the relay for a TURN client.
type Credentials struct {
	Username string `json:"username"`
	Password string `json:"password"`
	Realm    string `json:"realm"`
}

// Credentials makes TURN credentials, each for a test session of its own.
func (h *Hub) Credentials(ctx context.Context) (c Credentials, err error) {
	err = h.Do(ctx, &c, "turn", "credentials", "--count", "1")
	return c, err
}

// WatchURL is the page that shows a device.
func (h *Hub) WatchURL(device, token, query string) string {
	return fmt.Sprintf("%s/watch/%s%s#token=%s", h.URL, device, query, token)
}

// Do runs a command of the server's program on the server's host and records and decodes its JSON answer.
func (h *Hub) Do(ctx context.Context, answer any, command ...string) error {
	args := slices.Concat(command, h.records, []string{"--json"})
	out, err := h.rig.Server.Command(ctx, h.rig.program("sightline"), args...).Output()
	if err != nil {
		return fmt.Errorf("sightline %s: %w%s", strings.Join(command, " "), err, stderr(err))
	}
	if err := json.Unmarshal(out, answer); err != nil {
		return fmt.Errorf("sightline %s answered %q: %w", strings.Join(command, " "), out, err)
	}
	return nil
}

// stderr returns what a failed command said.
func stderr(err error) string {
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return ": " + strings.TrimSpace(string(exit.Stderr))
	}
	return ""
}
