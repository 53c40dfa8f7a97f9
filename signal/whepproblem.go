package signal

import (
	"encoding/json"
	"errors"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// retryLater is what players are told to wait where nobody knows better: about as long as a viewer looks before it goes.
const retryLater = 10 * time.Second

// whepStatuses are the HTTP statuses of what a player can meet. All others are 500. An endpoint whose media is not there is
// 409, and 406 has players try without what the camera does not have.
var whepStatuses = map[protocol.Code]int{
	protocol.CodeBadMessage:  http.StatusBadRequest,
	protocol.CodeInvalid:     http.StatusUnprocessableEntity,
	protocol.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	protocol.CodeBadToken:    http.StatusUnauthorized,
	protocol.CodeExpired:     http.StatusUnauthorized,
	protocol.CodeRevoked:     http.StatusForbidden,
	protocol.CodeForbidden:   http.StatusForbidden,
	protocol.CodeNotFound:    http.StatusNotFound,
	protocol.CodeCodec:       http.StatusNotAcceptable,
	protocol.CodeOffline:     http.StatusConflict,
	protocol.CodeConflict:    http.StatusConflict,
	protocol.CodeRateLimited: http.StatusTooManyRequests,
	protocol.CodeQuota:       http.StatusTooManyRequests,
	protocol.CodeFull:        http.StatusServiceUnavailable,
	protocol.CodeBusy:        http.StatusServiceUnavailable,
	protocol.CodeGoingAway:   http.StatusServiceUnavailable,
	protocol.CodeTimeout:     http.StatusGatewayTimeout,
}

// problem is the body of a refusal (RFC 9457), as the REST API has it.
type problem struct {
	Title    string        `json:"title"`
	Status   int           `json:"status"`
	Code     protocol.Code `json:"code"`
	Detail   string        `json:"detail"`
	RetryMS  int64         `json:"retry_ms,omitempty"`
	LastSeen time.Time     `json:"last_seen,omitzero"`
}

// refuseWHEP answers why not, and logs what the player is not told.
func (h *Hub) refuseWHEP(w http.ResponseWriter, r *http.Request, err error) {
	why := protocol.AsError(err)
	status, ok := whepStatuses[why.Code]
	if !ok {
		status = http.StatusInternalServerError
		if r.Context().Err() == nil {
			h.config.Logger.Error("whep not served", "device", r.PathValue("device"), "err", err)
		}
	}
	writeProblem(w, status, why)
}

func writeProblem(w http.ResponseWriter, status int, why *protocol.Error) {
	header := w.Header()
	wait := time.Duration(why.RetryMS) * time.Millisecond
	switch why.Code {
	case protocol.CodeOffline, protocol.CodeFull, protocol.CodeBusy, protocol.CodeGoingAway, protocol.CodeRateLimited:
		if wait == 0 {
			wait = retryLater
		}
	}
	if wait > 0 {
		header.Set("Retry-After", wholeSeconds(wait))
	}
	switch status {
	case http.StatusUnauthorized:
		header.Set("WWW-Authenticate", "Bearer")
	case http.StatusUnsupportedMediaType:
		header.Add("Vary", "Content-Type")
	}
	body, err := json.Marshal(problem{
		Title: http.StatusText(status), Status: status, Code: why.Code, Detail: why.Message, RetryMS: wait.Milliseconds(), LastSeen: why.LastSeen,
	})
	if err != nil {
		panic(err) // it has nothing that JSON cannot hold
	}
	header.Set("Content-Type", "application/problem+json")
	w.WriteHeader(status)
	_, _ = w.Write(body) // a player that has gone asks again
}

// wantType refuses a body of another type. It reports whether the request goes on.
func wantType(w http.ResponseWriter, r *http.Request, want, says string) bool {
	if mediaType(r) == want {
		return true
	}
	w.Header().Set(says, want)
	writeProblem(w, http.StatusUnsupportedMediaType, protocol.Errorf(protocol.CodeInvalid, "the body must be %s", want))
	return false
}

// bodyError is what reading a body failed with, for the player.
func bodyError(err error, limit int64) error {
	if errors.As(err, new(*http.MaxBytesError)) {
		return protocol.Errorf(protocol.CodeTooLarge, "the body has at most %d bytes", limit)
	}
	return protocol.Errorf(protocol.CodeBadMessage, "the body did not come").Because(err)
}
