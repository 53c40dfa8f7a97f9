package sightline

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Config says how a Client works. The zero value is a good default.
type Config struct {
	// HTTP sends the requests; nil means a client of its own without a time-out: bound each call with its context.
	HTTP *http.Client
	// Attempts is how often a request is sent at most; 0 means 4. 1 never sends one again.
	Attempts int
	// Backoff is how long to wait before the second attempt, doubled for each that follows, half of it at random; 0 means
	// 250 ms. A Retry-After of the server counts instead.
	Backoff time.Duration
	// MaxWait bounds a single wait between two attempts; 0 means 30 s. A Retry-After over it ends the attempts.
	MaxWait time.Duration
	// UserAgent names the program to the server; empty means the SDK's own name.
	UserAgent string
}

// Client asks one server with one API key. It is safe for concurrent use.
type Client struct {
	// hub is the server's address, without a slash at its end.
	hub    string
	key    string
	config Config
}

// New makes a client of the server at hub, http or https, with an API key sl_live_…. It asks nothing yet.
func New(hub, key string, config ...Config) (*Client, error) {
	address, err := url.Parse(hub)
	if err != nil || address.Host == "" || address.Scheme != "https" && address.Scheme != "http" {
		return nil, fmt.Errorf("the server's address is http(s)://HOST, not %q", hub)
	}
	if key == "" {
		return nil, fmt.Errorf("an API key is needed: sl_live_…")
	}
	c := &Client{hub: strings.TrimRight(address.Scheme+"://"+address.Host+address.Path, "/"), key: key}
	if len(config) > 0 {
		c.config = config[0]
	}
	if c.config.HTTP == nil {
		c.config.HTTP = &http.Client{CheckRedirect: stay}
	}
	if c.config.Attempts <= 0 {
		c.config.Attempts = 4
	}
	if c.config.Backoff <= 0 {
		c.config.Backoff = 250 * time.Millisecond
	}
	if c.config.MaxWait <= 0 {
		c.config.MaxWait = 30 * time.Second
	}
	if c.config.UserAgent == "" {
		c.config.UserAgent = "sightline-go"
	}
	return c, nil
}

// stay refuses redirects: the API has none, and another host must not see the key.
func stay(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
