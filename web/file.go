package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"net/http"
	"path"
	"strings"
	"time"
)

// Cache-Control values: assets carry a hash of their content in their name, pages do not.
const (
	immutable  = "public, max-age=31536000, immutable"
	revalidate = "no-cache"
)

// contentTypes has the types of what Vite writes. The operating system's own table differs between machines.
var contentTypes = map[string]string{
	".html":  "text/html; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".svg":   "image/svg+xml",
	".json":  "application/json",
	".woff2": "font/woff2",
	".png":   "image/png",
}

// file is one embedded file, ready to be sent.
type file struct {
	name         string
	contentType  string
	etag         string
	body, zipped []byte
}

func loadFile(from fs.FS, name string) (file, error) {
	body, err := fs.ReadFile(from, name)
	if err != nil {
		return file{}, fmt.Errorf("read page %s: %w", name, err)
	}
	sum := sha256.Sum256(body)
	f := file{
		name:        path.Base(name),
		contentType: contentTypes[path.Ext(name)],
		etag:        `"` + hex.EncodeToString(sum[:8]) + `"`,
		body:        body,
	}
	if f.contentType == "" {
		f.contentType = "application/octet-stream"
	}
	if zipped := zip(body); len(zipped) < len(body) {
		f.zipped = zipped
	}
	return f, nil
}

func loadAssets(from fs.FS) (map[string]file, error) {
	names, err := fs.Glob(from, "assets/*")
	if err != nil {
		return nil, fmt.Errorf("list assets: %w", err)
	}
	assets := make(map[string]file, len(names))
	for _, name := range names {
		asset, err := loadFile(from, name)
		if err != nil {
			return nil, err
		}
		assets[asset.name] = asset
	}
	return assets, nil
}

func (f file) serve(w http.ResponseWriter, r *http.Request, cache string) {
	header := w.Header()
	header.Set("Content-Type", f.contentType)
	header.Set("Cache-Control", cache)
	header.Set("Vary", "Accept-Encoding")
	body, etag := f.body, f.etag
	if f.zipped != nil && acceptsGzip(r) {
		header.Set("Content-Encoding", "gzip")
		body, etag = f.zipped, strings.TrimSuffix(f.etag, `"`)+`-gz"`
	}
	header.Set("ETag", etag)
	http.ServeContent(w, r, f.name, time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads Accept-Encoding (RFC 9110 section 12.5.3) as far as browsers use it: gzip by name, not refused by q=0.
func acceptsGzip(r *http.Request) bool {
	for _, offer := range strings.Split(r.Header.Get("Accept-Encoding"), ",") {
		coding, weight, _ := strings.Cut(strings.TrimSpace(offer), ";")
		if strings.EqualFold(strings.TrimSpace(coding), "gzip") {
			return strings.Trim(strings.ReplaceAll(weight, " ", ""), "0.") != "q="
		}
	}
	return false
}

func zip(body []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // fails for an unknown level only
	_, _ = w.Write(body)                                    // a buffer takes everything
	_ = w.Close()
	return out.Bytes()
}
