package onvif

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	// requestTimeout bounds one request: cameras answer within 0.5 s, still pictures take up to 2 s.
	requestTimeout = 4 * time.Second
	// maxAnswer bounds an answer; a list of profiles has 20 to 60 KB.
	maxAnswer = 1 << 20
)

// ErrRefused says that the camera refuses the user name and password.
var ErrRefused = errors.New("the camera refuses this user name and password")

// Web is the web server of one camera, with one user's credentials. It is safe for concurrent use.
type Web struct {
	base   *url.URL // without credentials
	user   *url.Userinfo
	client *http.Client
}

// OpenWeb reads http(s)://[user:password@]host[:port]/path; fallback are the credentials of a URL without. The error says
// in words what is wrong, without secrets; nothing is dialled.
func OpenWeb(spec string, fallback *url.Userinfo) (*Web, error) {
	u, err := url.Parse(spec)
	if err != nil || u.Hostname() == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, errors.New("write it as http://host/path or https://user:password@host:port/path, " +
			"with special characters of the password percent-encoded")
	}
	w := &Web{user: u.User}
	if w.user == nil {
		w.user = fallback
	}
	u.User = nil
	w.base = u
	w.client = &http.Client{
		Transport: &http.Transport{
			MaxIdleConns: 2, IdleConnTimeout: 10 * time.Second, ResponseHeaderTimeout: requestTimeout,
			MaxResponseHeaderBytes: 64 << 10,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
	return w, nil
}

// User is whom the camera knows the agent as; nil when it does not ask.
func (w *Web) User() *url.Userinfo { return w.user }

// Host is where the camera is.
func (w *Web) Host() string { return w.base.Hostname() }

// at is where the camera says that something is, on the configured host: cameras name addresses that only they know. An
// address of another host keeps the configured port.
func (w *Web) at(address string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil || u.Path == "" && u.RawQuery == "" {
		return nil, errors.New("the camera names an address that is none")
	}
	to := &url.URL{Scheme: w.base.Scheme, Host: w.base.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: u.RawQuery}
	if u.Hostname() == w.base.Hostname() && (u.Scheme == "http" && w.base.Scheme == "http" || u.Scheme == "https") {
		to.Scheme, to.Host = u.Scheme, u.Host
	}
	return to, nil
}

// do sends a request, and once more with what the server asks for to know who it is. It fails with ErrRefused.
func (w *Web) do(ctx context.Context, method string, to *url.URL, kind string, body []byte) (status int, answer []byte, err error) {
	ctx, cancel := context.WithTimeout(ctx, requestTimeout)
	defer cancel()
	authorization := ""
	for {
		request, err := http.NewRequestWithContext(ctx, method, to.String(), bytes.NewReader(body))
		if err != nil {
			return 0, nil, err
		}
		request.Header.Set("User-Agent", "sightline-agent")
		if kind != "" {
			request.Header.Set("Content-Type", kind)
		}
		if authorization != "" {
			request.Header.Set("Authorization", authorization)
		}
		response, err := w.client.Do(request)
		if err != nil {
			return 0, nil, fmt.Errorf("ask the camera at %s: %w", to.Host, errors.Unwrap(err))
		}
		answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer+1))
		response.Body.Close()
		switch {
		case err != nil:
			return 0, nil, fmt.Errorf("read the camera's answer: %w", err)
		case len(answer) > maxAnswer:
			return 0, nil, fmt.Errorf("the camera's answer has more than %d bytes", maxAnswer)
		case response.StatusCode != http.StatusUnauthorized:
			return response.StatusCode, answer, nil
		case authorization != "" || w.user == nil:
			return 0, nil, ErrRefused
		}
		if authorization = answerChallenge(response.Header.Values("WWW-Authenticate"), w.user, method, to.RequestURI()); authorization == "" {
			return 0, nil, ErrRefused
		}
	}
}

// Still fetches what is at the web server's own address, which should be a JPEG. It fails with ErrRefused.
func (w *Web) Still(ctx context.Context) ([]byte, error) { return w.fetch(ctx, w.base) }

func (w *Web) fetch(ctx context.Context, from *url.URL) ([]byte, error) {
	status, body, err := w.do(ctx, http.MethodGet, from, "", nil)
	if err != nil {
		return nil, err
	}
	if status != http.StatusOK {
		return nil, fmt.Errorf("the camera answers %d to the request for a still picture", status)
	}
	return body, nil
}
