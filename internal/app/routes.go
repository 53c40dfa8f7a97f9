package app

import (
	"net/http"

	"github.com/sightline-rtc/sightline/protocol"
)

// routes puts the doors of all parts on one port.
func (s *Server) routes(rest, pages http.Handler) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET "+protocol.LinkPath, s.hub)
	mux.HandleFunc(protocol.SendPath, s.hub.ServeSend)
	mux.HandleFunc(protocol.PollPath, s.hub.ServePoll)
	mux.HandleFunc("PUT "+protocol.SnapshotPath, s.hub.ServeCapture)
	mux.HandleFunc(protocol.SnapshotPath+"/{device}", s.hub.ServeSnapshot)
	mux.HandleFunc("GET /v1/kvs/{device}", s.hub.ServeKVS)
	mux.HandleFunc("/v1/kvs/{device}/ice-servers", s.hub.ServeKVSServers)
	mux.HandleFunc(protocol.WHEPPath("{device}"), s.hub.ServeWHEP)
	mux.HandleFunc(protocol.WHEPPath("{device}")+"/{session}", s.hub.ServeWHEPSession)
	mux.Handle("/v1/", rest)
	mux.Handle("/openapi.json", rest)
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { health(w, true) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { health(w, s.ready.Load() && s.hub.Ready()) })
	mux.HandleFunc("GET "+doctorPath, s.doctorServers)
	mux.Handle("/", pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(protocol.ServerHeader, string(s.node))
		mux.ServeHTTP(w, r)
	})
}

func health(w http.ResponseWriter, ok bool) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	answer := "ok\n"
	if !ok {
		w.WriteHeader(http.StatusServiceUnavailable)
		answer = "not ready\n"
	}
	_, _ = w.Write([]byte(answer)) // the asker may have gone
}
