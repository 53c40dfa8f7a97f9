package webhook

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"strconv"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// sign sets the headers of Standard Webhooks: what is signed is the identifier, the time in seconds and the body, with
// dots between. There is a v1 for each secret that holds, the newest first, and a v1a.
func sign(h http.Header, w *record.Webhook, id string, body []byte, now time.Time) {
	stamp := strconv.FormatInt(now.Unix(), 10)
	content := append([]byte(id+"."+stamp+"."), body...)
	signatures := "v1," + hmacOf(w.Secret, content)
	if now.Before(w.OldUntil) {
		signatures += " v1," + hmacOf(w.OldSecret, content)
	}
	signatures += " v1a," + base64.StdEncoding.EncodeToString(ed25519.Sign(w.Private, content))
	h.Set("Webhook-Id", id)
	h.Set("Webhook-Timestamp", stamp)
	h.Set("Webhook-Signature", signatures)
}

func hmacOf(secret, content []byte) string {
	mac := hmac.New(sha256.New, secret)
	mac.Write(content)
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
