package sightline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// maxWebhook bounds the body of a webhook; the server sends under 20 KB.
	maxWebhook = 64 << 10
	// webhookTolerance is how far a webhook's time may be from ours, as Standard Webhooks recommends.
	webhookTolerance = 5 * time.Minute

	secretPrefix = "whsec_"
)

// ErrSignature is why a webhook is not to be believed: nobody who knows the secret has signed it, or too long ago.
var ErrSignature = errors.New("sightline: the webhook's signature is not good")

// ReadWebhook checks the signature of a webhook (Standard Webhooks, `v1`) with the endpoint's secret whsec_…, and reads its
// event. Answer with 2xx once the event is safe with you: it comes again until then, and in rare cases after it, always with
// the same ID. It fails with ErrSignature for what is not to be believed.
func ReadWebhook(r *http.Request, secret string) (Event, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, maxWebhook+1))
	if err != nil {
		return Event{}, fmt.Errorf("sightline: read the webhook: %w", err)
	}
	if len(body) > maxWebhook {
		return Event{}, fmt.Errorf("sightline: the webhook is over %d bytes", maxWebhook)
	}
	return readWebhook(r.Header, body, secret, time.Now())
}

func readWebhook(header http.Header, body []byte, secret string, now time.Time) (Event, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, secretPrefix))
	if err != nil || len(key) == 0 {
		return Event{}, errors.New("sightline: the webhook's secret is whsec_… and base64")
	}
	id, stamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || id == "" {
		return Event{}, ErrSignature
	}
	if now.Sub(time.Unix(seconds, 0)).Abs() > webhookTolerance {
		return Event{}, fmt.Errorf("%w: it was made at %s", ErrSignature, time.Unix(seconds, 0).UTC().Format(time.RFC3339))
	}
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%s.", id, stamp)
	_, _ = mac.Write(body)
	if !signedBy(header.Get("webhook-signature"), mac.Sum(nil)) {
		return Event{}, ErrSignature
	}
	var brought struct {
		Event
		Type      EventKind `json:"type"`
		Timestamp time.Time `json:"timestamp"`
	}
	if err := json.Unmarshal(body, &brought); err != nil {
		return Event{}, fmt.Errorf("sightline: the webhook makes no sense: %w", err)
	}
	brought.Kind, brought.At = brought.Type, brought.Timestamp // as Standard Webhooks calls them
	return brought.Event, nil
}

// signedBy reports whether one of the signatures, of which there are two while a secret is being rotated, is the one.
func signedBy(signatures string, want []byte) bool {
	for one := range strings.FieldsSeq(signatures) {
		version, text, _ := strings.Cut(one, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && hmac.Equal(got, want) {
			return true
		}
	}
	return false
}
