//go:build linux

package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
)

// sitePort is where the partner's site is on the server's host: another origin than the hub's.
const sitePort = "8090"

// Site is the site of a partner, the example of the npm package: a page with a camera, a backend that makes tokens and hears
// webhooks.
type Site struct {
	*Process
	// URL is its origin.
	URL string

	rig *Rig
}

// SiteURL is where Site will be, for the hub's --origins, and WebhookURL where it takes webhooks: from its own host alone.
func (r *Rig) SiteURL() string { return "http://" + net.JoinHostPort(r.Server.Addr.String(), sitePort) }

// WebhookURL is where Site takes webhooks: on its own host, which the hub shares.
func (r *Rig) WebhookURL() string { return "http://127.0.0.1:" + sitePort + "/webhooks" }

// Site starts the partner's site with more settings, as NAME=VALUE.
func (r *Rig) Site(ctx context.Context, hub *Hub, key string, settings ...string) (*Site, error) {
	s := &Site{rig: r, URL: r.SiteURL()}
	cmd := r.Server.Command(context.WithoutCancel(ctx), "node", filepath.Join(r.root, "web", "examples", "backend", "server.mjs"))
	cmd.Env = append(os.Environ(), append(settings,
		"SIGHTLINE_HUB="+hub.URL, "SIGHTLINE_KEY="+key, "LISTEN=0.0.0.0:"+sitePort)...)
	var err error
	if s.Process, err = Launch(ctx, "site", cmd, r.Log.from("site"), &struct{}{}); err != nil {
		return nil, err
	}
	r.onClose(func() error {
		s.Kill()
		return nil
	})
	return s, nil
}

// Page is the site's page of a device, with a token that the API makes or that the site signs by its own key.
func (s *Site) Page(device string, byKey bool) string {
	page := s.URL + "/?device=" + device
	if byKey {
		page += "&by=key"
	}
	return page
}

// Heard decodes the events that have come as webhooks with a good signature.
func (s *Site) Heard(ctx context.Context, into any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/heard", strings.NewReader(""))
	if err != nil {
		return err
	}
	client := &http.Client{Transport: &http.Transport{DialContext: s.rig.Partner.Dial, DisableKeepAlives: true}}
	answer, err := client.Do(request)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("what the site heard: HTTP %d", answer.StatusCode)
	}
	return json.NewDecoder(answer.Body).Decode(into)
}
