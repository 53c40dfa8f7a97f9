package web

import (
	"net/http"
	"regexp"
)

// policy lets a page load from its own origin only; whom it may talk to follows.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' blob:; media-src 'self' blob:; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'self'; connect-src 'self'"

// plainHost is a name or address with an optional port: nothing that could end a directive.
var plainHost = regexp.MustCompile(`^(?:[A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\])(?::\d{1,5})?$`)

// secured adds the headers that keep a page and its token to itself.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		header := w.Header()
		header.Set("Content-Security-Policy", policyFor(r.Host))
		header.Set("Referrer-Policy", "no-referrer")
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Permissions-Policy", "camera=(), microphone=(self), geolocation=(), fullscreen=(self)")
		next.ServeHTTP(w, r)
	})
}

// policyFor names the host's WebSocket addresses, because not every browser takes them for 'self'.
func policyFor(host string) string {
	if !plainHost.MatchString(host) {
		return policy
	}
	return policy + " ws://" + host + " wss://" + host
}
