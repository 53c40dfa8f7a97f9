package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
)

const problemType = "application/problem+json"

// Problem is the body of every answer that is not a success (RFC 9457). Code is for programs and never changes its
// meaning; Title, Detail and the messages are for people.
type Problem struct {
	Title   string        `json:"title" doc:"The HTTP status in words" example:"Not Found"`
	Status  int           `json:"status" doc:"The HTTP status" example:"404"`
	Code    protocol.Code `json:"code" doc:"What went wrong, for programs; never renamed or reused" example:"not_found"`
	Detail  string        `json:"detail" doc:"What went wrong, for people" example:"there is no such device"`
	RetryMS int64         `json:"retry_ms,omitempty" doc:"How many milliseconds to wait before trying again; Retry-After says it in seconds"`
	Errors  []Fault       `json:"errors,omitempty" nullable:"false" doc:"What is wrong with the request, one by one"`
}

// Fault is one thing that is wrong with a request.
type Fault struct {
	Location string `json:"location,omitempty" doc:"Where it is" example:"body.name"`
	Message  string `json:"message" doc:"What is wrong there"`
}

// statuses are the HTTP statuses of the codes that a request can meet. All others are 500.
var statuses = map[protocol.Code]int{
	protocol.CodeBadMessage:  http.StatusBadRequest,
	protocol.CodeInvalid:     http.StatusUnprocessableEntity,
	protocol.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	protocol.CodeBadToken:    http.StatusUnauthorized,
	protocol.CodeRevoked:     http.StatusForbidden,
	protocol.CodeForbidden:   http.StatusForbidden,
	protocol.CodeNotFound:    http.StatusNotFound,
	protocol.CodeConflict:    http.StatusConflict,
	protocol.CodeExpired:     http.StatusGone,
	protocol.CodeRateLimited: http.StatusTooManyRequests,
	protocol.CodeQuota:       http.StatusTooManyRequests,
	protocol.CodeGoingAway:   http.StatusServiceUnavailable,
	protocol.CodeOffline:     http.StatusServiceUnavailable,
	protocol.CodeFull:        http.StatusServiceUnavailable,
	protocol.CodeCodec:       http.StatusUnprocessableEntity,
	protocol.CodeBusy:        http.StatusServiceUnavailable,
	protocol.CodeTimeout:     http.StatusGatewayTimeout,

	protocol.CodePreconditionFailed:   http.StatusPreconditionFailed,
	protocol.CodePreconditionRequired: http.StatusPreconditionRequired,
	protocol.CodeIdempotencyMismatch:  http.StatusUnprocessableEntity,
	protocol.CodeAnswerLost:           http.StatusConflict,
}

// codes are the codes of what huma and the mux refuse on their own. Other client errors are CodeInvalid.
var codes = map[int]protocol.Code{
	http.StatusBadRequest:            protocol.CodeBadMessage,
	http.StatusNotFound:              protocol.CodeNotFound,
	http.StatusRequestTimeout:        protocol.CodeTimeout,
	http.StatusRequestEntityTooLarge: protocol.CodeTooLarge,
}

// problemOf tells a client of an error as much as it may know.
func problemOf(err error) *Problem {
	e := protocol.AsError(err)
	status, ok := statuses[e.Code]
	if !ok {
		status = http.StatusInternalServerError
	}
	return &Problem{Title: http.StatusText(status), Status: status, Code: e.Code, Detail: e.Message, RetryMS: e.RetryMS}
}

// problemFor tells of a refusal by its HTTP status.
func problemFor(status int, detail string) *Problem {
	code, ok := codes[status]
	switch {
	case ok:
	case status >= http.StatusInternalServerError:
		code, detail = protocol.CodeInternal, "something went wrong on the server"
	default:
		code = protocol.CodeInvalid
	}
	return &Problem{Title: http.StatusText(status), Status: status, Code: code, Detail: detail}
}

// Error, GetStatus, ContentType and GetHeaders are what huma asks of an error.
func (p *Problem) Error() string { return string(p.Code) + ": " + p.Detail }

// GetStatus returns the HTTP status.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType returns the media type of problems.
func (p *Problem) ContentType(string) string { return problemType }

// GetHeaders returns the headers that go with the problem.
func (p *Problem) GetHeaders() http.Header {
	headers := http.Header{}
	if p.RetryMS > 0 {
		seconds := (time.Duration(p.RetryMS)*time.Millisecond + time.Second - 1) / time.Second
		headers.Set("Retry-After", strconv.FormatInt(int64(seconds), 10))
	}
	if p.Status == http.StatusUnauthorized {
		headers.Set("WWW-Authenticate", "Bearer")
	}
	return headers
}

func (p *Problem) write(w http.ResponseWriter) {
	for name, values := range p.GetHeaders() {
		w.Header()[name] = values
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // fails only when the client has gone
}

// fail turns an error into a problem, and logs what the client is not told.
func (a *API) fail(ctx context.Context, operation string, err error) *Problem {
	if p := (*Problem)(nil); errors.As(err, &p) {
		return p
	}
	p := problemOf(err)
	switch {
	case p.Status != http.StatusInternalServerError:
	case errors.Is(err, context.Canceled) && ctx.Err() != nil:
		a.log.Debug("client has gone", "path", operation, "err", err)
	default:
		a.log.Error("request not served", "path", operation, "err", err)
	}
	return p
}

// asProblem is a huma.Transformer: it makes problems of huma's own refusals. What the client sent is not repeated,
// since it may hold a secret.
func asProblem(_ huma.Context, _ string, body any) (any, error) {
	refusal, ok := body.(*huma.ErrorModel)
	if !ok {
		return body, nil
	}
	p := problemFor(refusal.Status, refusal.Detail)
	if p.Code == protocol.CodeInternal {
		return p, nil
	}
	for _, fault := range refusal.Errors {
		if fault != nil {
			p.Errors = append(p.Errors, Fault{Location: fault.Location, Message: fault.Message})
		}
	}
	return p, nil
}
