package sightline

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

const (
	webhookSecret = "whsec_c2lnaHRsaW5lLXRlc3Qtc2VjcmV0LTAxMjM="
	webhookBody   = `{"event_id":"e1","seq":4,"type":"device.offline","timestamp":"2027-01-15T08:00:00Z","device":"cam","data":{"generation":2}}`
)

var webhookTime = time.Unix(1_800_000_000, 0)

func signed(id, body string, at time.Time) http.Header {
	key, _ := base64.StdEncoding.DecodeString(strings.TrimPrefix(webhookSecret, secretPrefix))
	mac := hmac.New(sha256.New, key)
	_, _ = fmt.Fprintf(mac, "%s.%d.%s", id, at.Unix(), body)
	return http.Header{
		"Webhook-Id": {id}, "Webhook-Timestamp": {fmt.Sprint(at.Unix())},
		"Webhook-Signature": {"v1a,bm90IG91cnM= v1,bm90IHRoaXM= v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))},
	}
}

func TestASignedWebhookIsRead(t *testing.T) {
	e, err := readWebhook(signed("e1", webhookBody, webhookTime), []byte(webhookBody), webhookSecret, webhookTime.Add(time.Minute))
	if err != nil || e.ID != "e1" || e.Kind != DeviceOffline || e.Device != "cam" || !e.At.Equal(webhookTime) {
		t.Fatalf("got %+v, %v", e, err)
	}
	var data struct{ Generation int }
	if err := e.Into(&data); err != nil || data.Generation != 2 {
		t.Errorf("got %+v, %v", data, err)
	}
}

func TestAWebhookOfSomebodyElseIsRefused(t *testing.T) {
	good := signed("e1", webhookBody, webhookTime)
	without := func(name string) http.Header {
		h := good.Clone()
		h.Del(name)
		return h
	}
	for what, c := range map[string]struct {
		header http.Header
		body   string
		at     time.Time
	}{
		"another body": {good, webhookBody + " ", webhookTime},
		"another id":   {signed("e2", webhookBody, webhookTime).Clone(), webhookBody + "x", webhookTime},
		"an old one":   {good, webhookBody, webhookTime.Add(time.Hour)},
		"one to come":  {good, webhookBody, webhookTime.Add(-time.Hour)},
		"no signature": {without("webhook-signature"), webhookBody, webhookTime},
		"no time":      {without("webhook-timestamp"), webhookBody, webhookTime},
		"no id":        {without("webhook-id"), webhookBody, webhookTime},
	} {
		if _, err := readWebhook(c.header, []byte(c.body), webhookSecret, c.at); !errors.Is(err, ErrSignature) {
			t.Errorf("%s: got %v", what, err)
		}
	}
	if _, err := readWebhook(good, []byte(webhookBody), "whsec_", webhookTime); err == nil || errors.Is(err, ErrSignature) {
		t.Errorf("an empty secret: got %v", err)
	}
}

func TestAnEndlessWebhookIsRefused(t *testing.T) {
	r := httptest.NewRequest(http.MethodPost, "/", strings.NewReader(strings.Repeat("x", maxWebhook+1)))
	if _, err := ReadWebhook(r, webhookSecret); err == nil {
		t.Error("it was read")
	}
}

func FuzzReadWebhook(f *testing.F) {
	f.Add("e1", "1800000000", "v1,AAAA", webhookSecret, webhookBody)
	f.Fuzz(func(t *testing.T, id, stamp, signature, secret, body string) {
		header := http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {stamp}, "Webhook-Signature": {signature}}
		e, err := readWebhook(header, []byte(body), secret, webhookTime)
		if err != nil && e.ID != "" {
			t.Errorf("an event came with %v", err)
		}
	})
}
