package door

import (
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// Closed is the hub's own word that a door ends, or does not open: in an error, or by the close code alone.
type Closed struct {
	Code protocol.CloseCode
	// Words are those of a close without an error; they may be empty.
	Words string
	// Err is the error that the hub sent; nil when it sent none.
	Err *protocol.Error
}

func (c *Closed) Error() string {
	words := c.Words
	if c.Err != nil {
		words = c.Err.Message
	}
	if words == "" {
		return "the hub closed the link with code " + c.Code.String()
	}
	return "the hub closed the link: " + words + " (" + c.Code.String() + ")"
}

// Failure says why a door did not open or was lost, where the hub itself had no word in it or only an HTTP status.
type Failure struct {
	// Reason is what another door may help against; empty when none can: the hub is busy, or was lost after the welcome
	// through no fault of the door's.
	Reason protocol.FallbackReason
	// Detail is for hello.fallback: at most protocol.MaxFallbackDetailBytes.
	Detail string
	// Words say to a person what is wrong.
	Words string
	// Retry is how long the hub wants to be left alone; 0 means as long as the client likes.
	Retry time.Duration
	// Err is what lies behind, if anything.
	Err error

	passing bool // worth another try of the same request
}

func (f *Failure) Error() string { return f.Words }

// Unwrap returns what lies behind.
func (f *Failure) Unwrap() error { return f.Err }

// silent is the failure of a door that opened and brought no welcome.
func silent(words string, err error) *Failure {
	return &Failure{Reason: protocol.FallbackSilent, Detail: clip(words), Words: words, Err: err}
}

// clip shortens a detail to what a hello may carry, at the border of a character.
func clip(s string) string {
	if len(s) <= protocol.MaxFallbackDetailBytes {
		return s
	}
	end := 0
	for i := range s {
		if i > protocol.MaxFallbackDetailBytes {
			break
		}
		end = i
	}
	return s[:end]
}
