package sightline

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Problem is what the server refused, and why (RFC 9457). Two match in errors.Is when their codes are equal, so that
//
//	errors.Is(err, &sightline.Problem{Code: protocol.CodeOffline})
//
// asks for a reason.
type Problem struct {
	// Code is for programs and never changes its meaning; docs/api.md lists them. It is empty where something between
	// program and server answered.
	Code protocol.Code `json:"code"`
	// Status is that of HTTP, Title its words.
	Status int    `json:"status"`
	Title  string `json:"title"`
	// Detail says it to people.
	Detail string `json:"detail"`
	// RetryMS is how many milliseconds to wait before another try; 0 where waiting does not help.
	RetryMS int64 `json:"retry_ms"`
	// Errors are what is wrong with the request, one by one.
	Errors []Fault `json:"errors"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location"`
	Message  string `json:"message"`
}

func (p *Problem) Error() string {
	text := p.Detail
	if text == "" {
		text = p.Title
	}
	for _, f := range p.Errors {
		text += fmt.Sprintf("; %s: %s", f.Location, f.Message)
	}
	if p.Code == "" {
		return fmt.Sprintf("sightline: HTTP %d: %s", p.Status, text)
	}
	return fmt.Sprintf("sightline: %s: %s", p.Code, text)
}

// Is reports whether the target is a Problem with the same code.
func (p *Problem) Is(target error) bool {
	t, ok := target.(*Problem)
	return ok && t.Code == p.Code
}

// problemOf reads a refusal. The body need not be the server's: a proxy may have answered.
func problemOf(answer *http.Response, body []byte) *Problem {
	p := &Problem{}
	if strings.HasPrefix(answer.Header.Get("Content-Type"), "application/problem+json") {
		if err := json.Unmarshal(body, p); err != nil {
			p = &Problem{}
		}
	}
	p.Status = answer.StatusCode
	if p.Title == "" {
		p.Title = http.StatusText(answer.StatusCode)
	}
	if seconds, err := strconv.Atoi(answer.Header.Get("Retry-After")); err == nil && seconds > 0 && p.RetryMS == 0 {
		p.RetryMS = int64(seconds) * time.Second.Milliseconds()
	}
	return p
}

// passing reports whether another try may meet something else.
func (p *Problem) passing() bool {
	switch p.Status {
	case http.StatusTooManyRequests:
		return p.Code != protocol.CodeQuota
	case http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return p.Code != protocol.CodeOffline && p.Code != protocol.CodeFull
	case http.StatusConflict:
		return p.RetryMS > 0
	}
	return p.Status >= http.StatusInternalServerError
}
