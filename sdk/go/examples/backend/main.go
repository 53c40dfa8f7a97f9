// Command backend is a partner's backend without pages: it makes viewer tokens, by the API or with its own signing key, and
// hears what happens, by webhooks or by following the events.
//
//	SIGHTLINE_HUB=https://hub.example SIGHTLINE_KEY=sl_live_… SIGHTLINE_WEBHOOK_SECRET=whsec_… \
//	  go run ./sdk/go/examples/backend --signing-key ID --private-key key.pem
//
//	POST /tokens/{device}          a token by the API
//	POST /tokens/{device}?by=key   a token that this program signs itself
//	POST /webhooks                 what Sightline sends
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"

	"github.com/sightline-rtc/sightline/protocol"
	sightline "github.com/sightline-rtc/sightline/sdk/go"
	"github.com/sightline-rtc/sightline/sdk/go/examples/site"
)

func main() {
	keyID := flag.String("signing-key", "", "ID of the signing key, as POST /v1/signing-keys returned it")
	keyFile := flag.String("private-key", "", "its private half, PEM")
	after := flag.Uint64("after", 0, "the seq of the last event that was dealt with")
	s := site.New()
	b := &backend{client: s.Client, secret: os.Getenv("SIGHTLINE_WEBHOOK_SECRET")}
	if *keyFile != "" {
		if err := b.readKey(*keyID, *keyFile); err != nil {
			site.Fail(err)
		}
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /tokens/{device}", b.token)
	mux.HandleFunc("POST /webhooks", b.webhook)
	s.Serve(mux, func(ctx context.Context) error { return b.follow(ctx, *after) })
}

type backend struct {
	client *sightline.Client
	signer *sightline.Signer
	secret string
}

func (b *backend) readKey(id, file string) error {
	text, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	private, err := sightline.ParsePrivateKey(text)
	if err != nil {
		return err
	}
	project, err := b.client.Project(context.Background())
	if err != nil {
		return err
	}
	b.signer = &sightline.Signer{ID: id, Project: project.ID, Private: private}
	return nil
}

// token makes a token for a visitor, whose right to look a real backend checks first.
func (b *backend) token(w http.ResponseWriter, r *http.Request) {
	device := protocol.DeviceID(r.PathValue("device"))
	if r.FormValue("by") == "key" {
		if b.signer == nil {
			http.Error(w, "start with --signing-key and --private-key", http.StatusNotImplemented)
			return
		}
		token, err := b.signer.Token(sightline.Claims{Device: device, Subject: "user 17"})
		answer(w, token, err)
		return
	}
	token, err := b.client.CreateToken(r.Context(), sightline.CreateTokenInput{Device: device, Subject: "user 17"})
	answer(w, token.Token, err)
}

func answer(w http.ResponseWriter, text string, err error) {
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadGateway)
		return
	}
	_, _ = fmt.Fprint(w, text)
}

// webhook takes an event. A real backend keeps it under its ID before it answers, so that one which comes twice counts once.
func (b *backend) webhook(w http.ResponseWriter, r *http.Request) {
	event, err := sightline.ReadWebhook(r, b.secret)
	switch {
	case errors.Is(err, sightline.ErrSignature):
		http.Error(w, err.Error(), http.StatusUnauthorized)
	case err != nil:
		http.Error(w, err.Error(), http.StatusBadRequest)
	default:
		fmt.Println("webhook", event.Seq, event.Kind, event.Device, event.Session)
		w.WriteHeader(http.StatusNoContent)
	}
}

// follow tells of all events from a number on. What was missed while this program was away comes first.
func (b *backend) follow(ctx context.Context, after uint64) error {
	for event, err := range b.client.Events(ctx, after) {
		if err != nil {
			return err
		}
		fmt.Println("event", event.Seq, event.Kind, event.Device, event.Session)
	}
	return nil
}
