package signal

import "net/http"

// share lets pages of an allowed origin read the answers of a door that takes one method (the Fetch standard, "CORS protocol").
// It reports whether the request goes on: a preflight is answered here.
func share(w http.ResponseWriter, r *http.Request, method string) bool {
	header := w.Header()
	header.Add("Vary", "Origin")
	origin := r.Header.Get("Origin")
	if origin != "" {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Age, Retry-After, X-Sightline")
	}
	if r.Method != http.MethodOptions {
		return true
	}
	header.Set("Access-Control-Allow-Methods", method)
	header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type")
	header.Set("Access-Control-Max-Age", "7200") // the most that browsers heed
	w.WriteHeader(http.StatusNoContent)
	return false
}
