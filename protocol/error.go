package protocol

import (
	"errors"
	"fmt"
	"time"
)

// Code is the stable, machine-readable name of an error. A code is never renamed or reused.
type Code string

// The error codes. docs/protocol.md says what a client should do about each.
const (
	// Faults of the link itself.
	CodeBadMessage  Code = "bad_message"  // not an envelope, or its body is not of its type's form
	CodeUnknownType Code = "unknown_type" // a message type this side does not know
	CodeTooLarge    Code = "too_large"    // over a size limit
	CodeSequence    Code = "sequence"     // a hole in the sequence numbers
	CodeTimeout     Code = "timeout"      // nothing came in time
	CodeTooSlow     Code = "too_slow"     // the peer does not read what it is sent
	CodeGoingAway   Code = "going_away"   // the hub stops or moves; come back
	CodeUnknownLink Code = "unknown_link" // a request of the long poll door names no link of this hub; say hello again

	// Who may connect.
	CodeBadToken   Code = "bad_token"  // malformed, of another hub, or with a wrong signature
	CodeExpired    Code = "expired"    // a viewer token past its time
	CodeClockSkew  Code = "clock_skew" // a device token outside its time; Now tells the hub's clock
	CodeRevoked    Code = "revoked"    // the device or the API key behind the token was revoked
	CodeSuperseded Code = "superseded" // a newer link with the same device key is alive
	CodeVersion    Code = "version"    // a protocol version the hub does not speak

	// What a request can meet.
	CodeNotFound    Code = "not_found"
	CodeForbidden   Code = "forbidden"
	CodeOffline     Code = "offline" // LastSeen tells since when, if ever
	CodeFull        Code = "full"    // the device serves as many viewers as it can
	CodeBusy        Code = "busy"    // the device itself declined
	CodeQuota       Code = "quota"
	CodeRateLimited Code = "rate_limited"
	CodeConflict    Code = "conflict" // the session belongs to another owner or device
	CodeCodec       Code = "codec"    // no codec that both ends have
	CodeInvalid     Code = "invalid"  // a request whose values make no sense
	CodeInternal    Code = "internal"

	// What a request of the API can meet besides. docs/api.md says more.
	CodePreconditionFailed   Code = "precondition_failed"   // what was to be changed is no longer what If-Match says
	CodePreconditionRequired Code = "precondition_required" // a change of this kind needs If-Match
	CodeIdempotencyMismatch  Code = "idempotency_mismatch"  // the idempotency key is another request's
	CodeAnswerLost           Code = "answer_lost"           // the request was executed, and what it was answered is gone
)

// Error is what a peer may see of a failure. Its private cause goes to the log and is reached with errors.Unwrap.
// Two errors match in errors.Is when their codes are equal.
type Error struct {
	Code    Code   `json:"code"`
	Message string `json:"message"`
	// RetryMS is how many milliseconds to wait before trying again; 0 means that waiting does not help or that
	// the client's own back-off is good enough.
	RetryMS int64 `json:"retry_ms,omitempty"`
	// Now is the hub's clock, with CodeClockSkew.
	Now time.Time `json:"now,omitzero"`
	// LastSeen is when the device was last online, with CodeOffline; zero means never.
	LastSeen time.Time `json:"last_seen,omitzero"`

	cause error
}

// Errorf makes an Error with a message for people.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// Because returns a copy of the error that carries a private cause.
func (e *Error) Because(cause error) *Error {
	c := *e
	c.cause = cause
	return &c
}

func (e *Error) Error() string {
	if e.cause != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Message, e.cause)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Unwrap returns the private cause.
func (e *Error) Unwrap() error { return e.cause }

// Is reports whether the target is an Error with the same code.
func (e *Error) Is(target error) bool {
	t, ok := target.(*Error)
	return ok && t.Code == e.Code
}

// AsError returns the Error within err, or an internal one that hides err as its cause. A nil err gives nil.
func AsError(err error) *Error {
	if err == nil {
		return nil
	}
	var e *Error
	if errors.As(err, &e) {
		return e
	}
	return Errorf(CodeInternal, "something went wrong on the server").Because(err)
}

func (e *Error) validate() error {
	if e.Code == "" {
		return Errorf(CodeBadMessage, "an error needs a code")
	}
	return checkSize("error message", len(e.Message), MaxCandidateBytes)
}
