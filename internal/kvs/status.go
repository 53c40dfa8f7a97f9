package kvs

import (
	"net/http"
	"strconv"
	"unicode/utf8"

	"github.com/sightline-rtc/sightline/protocol"
)

// Status is a statusResponse: what is wrong with a message. KVS tells of faults alone.
type Status struct {
	Correlation string `json:"correlationId,omitempty"`
	ErrorType   string `json:"errorType"`
	// StatusCode is an HTTP status in digits.
	StatusCode string `json:"statusCode"`
	// Description begins with our own code and a colon.
	Description string `json:"description"`
}

// maxDescription is what the SDK for C has room for in a description (MAX_MESSAGE_DESCRIPTION_LEN).
const maxDescription = 1024

// kinds tells errors in KVS' words. What is not here is the server's fault.
var kinds = map[protocol.Code]struct {
	errorType string
	status    int
}{
	protocol.CodeBadMessage:  {"InvalidArgumentException", http.StatusBadRequest},
	protocol.CodeUnknownType: {"InvalidArgumentException", http.StatusBadRequest},
	protocol.CodeTooLarge:    {"InvalidArgumentException", http.StatusBadRequest},
	protocol.CodeInvalid:     {"InvalidArgumentException", http.StatusBadRequest},
	protocol.CodeCodec:       {"InvalidArgumentException", http.StatusBadRequest},
	protocol.CodeBadToken:    {"AccessDeniedException", http.StatusForbidden},
	protocol.CodeExpired:     {"AccessDeniedException", http.StatusForbidden},
	protocol.CodeRevoked:     {"AccessDeniedException", http.StatusForbidden},
	protocol.CodeForbidden:   {"AccessDeniedException", http.StatusForbidden},
	protocol.CodeNotFound:    {"ResourceNotFoundException", http.StatusNotFound},
	protocol.CodeOffline:     {"ResourceNotFoundException", http.StatusNotFound},
	protocol.CodeConflict:    {"ResourceInUseException", http.StatusConflict},
	protocol.CodeFull:        {"ClientLimitExceededException", http.StatusTooManyRequests},
	protocol.CodeBusy:        {"ClientLimitExceededException", http.StatusTooManyRequests},
	protocol.CodeQuota:       {"ClientLimitExceededException", http.StatusTooManyRequests},
	protocol.CodeRateLimited: {"ClientLimitExceededException", http.StatusTooManyRequests},
	protocol.CodeGoingAway:   {"ServiceUnavailableException", http.StatusServiceUnavailable},
}

// HTTPStatus is the status that a request is answered with which fails with this code.
func HTTPStatus(code protocol.Code) int {
	if kind, ok := kinds[code]; ok {
		return kind.status
	}
	return http.StatusInternalServerError
}

// StatusOf tells an error in KVS' words, of the message with this correlation ID.
func StatusOf(why *protocol.Error, correlation string) Event {
	s := &Status{Correlation: correlation, ErrorType: "InternalFailureException", StatusCode: strconv.Itoa(HTTPStatus(why.Code))}
	if kind, ok := kinds[why.Code]; ok {
		s.ErrorType = kind.errorType
	}
	s.Description = clip(string(why.Code)+": "+why.Message, maxDescription)
	return Event{Type: TypeStatus, Status: s}
}

// clip cuts a text to a number of bytes, between characters.
func clip(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return s[:most]
}
