// Package web is what browsers get: the watch page, the landing page, the doctor and their assets, built by Vite into dist
// and embedded here. The TypeScript beside it is the SDK, `<sightline-camera>` and the pages.
//
// dist is not committed. A binary that was built without it says how to build it instead of showing pages.
package web

import (
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
)

//go:embed all:dist
var dist embed.FS

// Handler serves the pages: `/`, `/watch/{device}`, `/doctor`, `/assets/` and, for other sites' pages, the element as a module at
// `/sightline-camera.js`; anything else is 404. It is safe for concurrent use.
func Handler() (http.Handler, error) {
	built, err := fs.Sub(dist, "dist")
	if err != nil {
		return nil, fmt.Errorf("open the embedded pages: %w", err)
	}
	return handler(built)
}

// Built reports whether the pages are in this binary.
func Built() bool {
	_, err := fs.Stat(dist, "dist/watch.html")
	return err == nil
}

func handler(built fs.FS) (http.Handler, error) {
	mux := http.NewServeMux()
	watch, err := loadFile(built, "watch.html")
	if errors.Is(err, fs.ErrNotExist) {
		mux.HandleFunc("GET /{$}", explainBuild)
		mux.HandleFunc("GET /doctor", explainBuild)
		mux.HandleFunc("GET /watch/{device}", explainBuild)
		return secured(mux), nil
	}
	if err != nil {
		return nil, err
	}
	landing, err := loadFile(built, "index.html")
	if err != nil {
		return nil, err
	}
	element, err := loadFile(built, "sightline-camera.js")
	if err != nil {
		return nil, err
	}
	assets, err := loadAssets(built)
	if err != nil {
		return nil, err
	}
	mux.HandleFunc("GET /sightline-camera.js", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*") // modules of another origin are fetched with CORS
		element.serve(w, r, revalidate)
	})
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, r *http.Request) { landing.serve(w, r, revalidate) })
	doctor, err := loadFile(built, "doctor.html")
	switch {
	case errors.Is(err, fs.ErrNotExist): // pages of an older build
		mux.HandleFunc("GET /doctor", explainBuild)
	case err != nil:
		return nil, err
	default:
		mux.HandleFunc("GET /doctor", func(w http.ResponseWriter, r *http.Request) { doctor.serve(w, r, revalidate) })
	}
	mux.HandleFunc("GET /watch/{device}", func(w http.ResponseWriter, r *http.Request) { watch.serve(w, r, revalidate) })
	mux.HandleFunc("GET /assets/{name}", func(w http.ResponseWriter, r *http.Request) {
		asset, ok := assets[r.PathValue("name")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		asset.serve(w, r, immutable)
	})
	return secured(mux), nil
}

// notBuilt is what a binary without pages shows.
const notBuilt = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Sightline</title></head>
<body><h1>The pages are not in this binary</h1>
<p>The server works, but it was built without its web pages. Build them with Node:</p>
<pre>make web build</pre>
<p>and start it again.</p></body></html>
`

func explainBuild(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = w.Write([]byte(notBuilt)) // the client may have gone
}
