//go:build linux

package e2e

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
	sightline "github.com/sightline-rtc/sightline/sdk/go"
	"github.com/sightline-rtc/sightline/test/postgres"
	"github.com/sightline-rtc/sightline/test/rig"
)

// partner is a platform with a site of its own and a backend that uses the SDK.
type partner struct {
	*stage
	client *sightline.Client
	site   *rig.Site
	device string
}

func TestAPartnersDay(t *testing.T) { day(t, "") }

func TestAPartnersDayOnPostgreSQL(t *testing.T) {
	day(t, need(postgres.Need(t).Create(t.Context(), "sightline"))(t))
}

// day is a partner's day with a hub whose records are in a database; an empty one means in its own directory.
func day(t *testing.T, database string) {
	p := newPartner(t, database)

	byAPI := p.open("by the API", p.site.Page(p.device, false))
	p.live(byAPI, "direct")
	first := p.taken(p.session(p.device).ID, "direct")
	must(t, p.client.CloseSession(t.Context(), protocol.SessionID(first.ID)))
	if s := need(byAPI.Until(t.Context(), "closed", "", soon))(t); s.Reason != string(protocol.ReasonClosedByAPI) {
		t.Errorf("the page says %q, want closed by the API", s.Reason)
	}
	must(t, byAPI.Close(t.Context()))

	byKey := p.open("by the partner's key", p.site.Page(p.device, true))
	p.live(byKey, "direct")
	second := p.taken(p.session(p.device).ID, "direct")
	if second.Viewer != "user 17" {
		t.Errorf("the session's viewer is %q", second.Viewer)
	}
	must(t, byKey.Close(t.Context()))

	history := p.complete(first.ID, second.ID)
	p.sameAsHeard(history)
	p.billed()
}

// newPartner joins a camera, registers a signing key and a webhook, and opens the site.
func newPartner(t *testing.T, database string) *partner {
	s := bare(t)
	s.hub = need(s.HubOn(t.Context(), database, append(lateRelay, "--origins", s.SiteURL(), "--webhook-loopback")...))(t)
	s.api = need(s.hub.API(t.Context()))(t)
	key := need(s.hub.Key(t.Context()))(t)
	client := need(sightline.New(s.hub.URL, key, sightline.Config{
		HTTP: &http.Client{Transport: &http.Transport{DialContext: s.Partner.Dial}},
	}))(t)
	p := &partner{stage: s, client: client}
	hook := need(client.CreateWebhook(t.Context(), sightline.CreateWebhookInput{URL: s.WebhookURL()}))(t)
	p.device = s.agent("Front door", "test:").Device
	id, file := p.signingKey()
	project := need(client.Project(t.Context()))(t)
	p.site = need(s.Site(t.Context(), s.hub, key,
		"SIGHTLINE_WEBHOOK_SECRET="+hook.Secret, "SIGHTLINE_SIGNING_KEY="+id, "SIGHTLINE_PRIVATE_KEY="+file,
		"SIGHTLINE_PROJECT="+string(project.ID)))(t)
	return p
}

// signingKey makes a key pair, registers its public half and returns its ID and the file of the private one.
func (p *partner) signingKey() (id, file string) {
	public, private, err := ed25519.GenerateKey(nil)
	must(p.t, err)
	made := need(p.client.CreateSigningKey(p.t.Context(), sightline.CreateSigningKeyInput{
		Name: "site", PublicKey: base64.StdEncoding.EncodeToString(public),
	}))(p.t)
	der := need(x509.MarshalPKCS8PrivateKey(private))(p.t)
	file = filepath.Join(p.t.TempDir(), "key.pem")
	must(p.t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return made.ID, file
}

// complete waits until the history has both sessions from their beginning to their end, in order and without a gap, and returns it.
func (p *partner) complete(sessions ...string) []sightline.Event {
	p.t.Helper()
	want := []sightline.EventKind{sightline.SessionOpened, sightline.SessionLive, sightline.SessionPath, sightline.SessionEnded}
	return eventually(p.t, "the whole history", p.history, func(all []sightline.Event) bool {
		for i, e := range all {
			if e.Seq != uint64(i+1) {
				p.t.Fatalf("event %d has the number %d", i+1, e.Seq)
			}
		}
		for _, session := range sessions {
			var kinds []sightline.EventKind
			for _, e := range all {
				if string(e.Session) == session && !slices.Contains(kinds, e.Kind) {
					kinds = append(kinds, e.Kind)
				}
			}
			if len(kinds) < len(want) {
				return false
			}
			if kinds[0] != sightline.SessionOpened || kinds[len(kinds)-1] != sightline.SessionEnded {
				p.t.Fatalf("session %s: got the events in the order %v", session, kinds)
			}
		}
		return slices.ContainsFunc(all, func(e sightline.Event) bool { return e.Kind == sightline.DeviceEnrolled }) &&
			slices.ContainsFunc(all, func(e sightline.Event) bool { return e.Kind == sightline.DeviceOnline })
	})
}

func (p *partner) history() (all []sightline.Event, err error) {
	for e, err := range p.client.History(p.t.Context(), 0) {
		if err != nil {
			return nil, err
		}
		all = append(all, e)
	}
	return all, nil
}

// sameAsHeard waits until each event of the history has come as a webhook.
func (p *partner) sameAsHeard(history []sightline.Event) {
	p.t.Helper()
	eventually(p.t, "all webhooks", func() (missing []string, err error) {
		var heard []struct {
			ID   string              `json:"event_id"`
			Seq  uint64              `json:"seq"`
			Type sightline.EventKind `json:"type"`
		}
		if err := p.site.Heard(p.t.Context(), &heard); err != nil {
			return nil, err
		}
		for _, e := range history {
			came := false
			for _, h := range heard {
				came = came || h.ID == e.ID && h.Seq == e.Seq && h.Type == e.Kind
			}
			if !came {
				missing = append(missing, string(e.Kind))
			}
		}
		return missing, nil
	}, func(missing []string) bool { return len(missing) == 0 })
}

// billed waits until the day's use is in the books.
func (p *partner) billed() {
	p.t.Helper()
	eventually(p.t, "the day's use", func() (sightline.UsageOutput, error) {
		return p.client.PathUsage(p.t.Context(), sightline.UsageFilter{Device: protocol.DeviceID(p.device)})
	}, func(u sightline.UsageOutput) bool {
		return len(u.Usage) == 1 && u.Usage[0].Sessions.Direct == 2 && u.Usage[0].Relayed.Bytes == 0
	})
}
