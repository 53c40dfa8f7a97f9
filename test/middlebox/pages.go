package middlebox

import (
	"bytes"
	"crypto/sha1" //nolint:gosec // RFC 6455 asks for it
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
)

// product is what the proxy calls itself in its own answers.
const product = "Middlebox/1.0"

// ServeHTTP serves the modes that understand requests.
func (p *Proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mode, ok := p.begin()
	if !ok {
		panic(http.ErrAbortHandler) // closes the connection
	}
	defer p.requests.Done()
	switch {
	case mode == Buffer:
		p.meddle()
		p.whole(w, r)
	case mode == Portal:
		p.meddle()
		w.Header().Set("Server", product)
		http.Redirect(w, r, "http://login.example/?from="+url.QueryEscape(r.URL.Path), http.StatusFound)
	case !strings.EqualFold(r.Header.Get("Upgrade"), "websocket"):
		p.forward.ServeHTTP(w, r)
	case mode == Answer:
		p.meddle()
		w.Header().Set("Server", product)
	case mode == Forbid:
		p.meddle()
		w.Header().Set("Server", product)
		http.Error(w, "this kind of connection is not allowed here", http.StatusForbidden)
	case mode == Refuse:
		p.meddle()
		if c, ok := hijack(w); ok {
			c.reset()
		}
	case mode == Swallow:
		p.meddle()
		swallow(w, r)
	default:
		panic(http.ErrAbortHandler) // the mode has changed since the connection came
	}
}

// begin returns the mode of a request that may begin.
func (p *Proxy) begin() (mode Mode, ok bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stopped {
		return "", false
	}
	p.requests.Add(1)
	return p.mode, true
}

func hijack(w http.ResponseWriter) (*conn, bool) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		return nil, false
	}
	raw, _, err := hijacker.Hijack()
	if err != nil {
		return nil, false
	}
	c, ok := raw.(*conn)
	return c, ok
}

// swallow accepts an upgrade as the hub would (RFC 6455 section 4.2.2) and reads until the client has enough.
func swallow(w http.ResponseWriter, r *http.Request) {
	c, ok := hijack(w)
	if !ok {
		return
	}
	defer c.end()
	sum := sha1.Sum([]byte(r.Header.Get("Sec-WebSocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11")) //nolint:gosec // as above
	protocol, _, _ := strings.Cut(r.Header.Get("Sec-WebSocket-Protocol"), ",")
	fmt.Fprintf(c, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"+
		"Sec-WebSocket-Accept: %s\r\nSec-WebSocket-Protocol: %s\r\n\r\n",
		base64.StdEncoding.EncodeToString(sum[:]), strings.TrimSpace(protocol))
	_, _ = io.Copy(io.Discard, c)
}

// maxBodyBytes is what a buffering proxy holds of one request or answer: far more than the hub's largest.
const maxBodyBytes = 8 << 20

// whole passes a request on when it has come whole, and so its answer.
func (p *Proxy) whole(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBodyBytes))
	if err != nil {
		panic(http.ErrAbortHandler) // nobody waits for an answer
	}
	r = r.Clone(r.Context())
	r.Header.Del("Upgrade")
	r.Header.Del("Connection")
	r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	p.forward.ServeHTTP(w, r)
}

// forwarder passes requests on as they are and holds the answers back until they are whole.
func (p *Proxy) forwarder() http.Handler {
	return &httputil.ReverseProxy{
		Rewrite: func(r *httputil.ProxyRequest) {
			r.SetURL(&url.URL{Scheme: "http", Host: p.config.Target})
			r.Out.Host = r.In.Host
		},
		Transport: &http.Transport{DialContext: p.config.Dial, DisableCompression: true, DisableKeepAlives: true},
		ModifyResponse: func(r *http.Response) error {
			body, err := io.ReadAll(io.LimitReader(r.Body, maxBodyBytes))
			if err != nil {
				return err
			}
			r.Body = io.NopCloser(bytes.NewReader(body))
			if r.ContentLength < 0 {
				r.Header.Set("Content-Length", strconv.Itoa(len(body)))
			}
			return nil
		},
		ErrorHandler: func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) },
	}
}
