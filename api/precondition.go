package api

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"strings"

	"github.com/sightline-rtc/sightline/protocol"
)

// etagBytes of a hash tell two states of one thing apart: it takes 2^48 changes for an even chance that they do not.
const etagBytes = 12

// Precondition is part of the input of operations that change what others may change at the same time (RFC 9110 section
// 13.1.1).
type Precondition struct {
	IfMatch string `header:"If-Match" maxLength:"1024" doc:"The ETag of what is to be changed, as it was read: the change is refused (412) if it has been changed since"`
}

// check fails with CodePreconditionFailed when what is there now is not what the client means to change. It is called in
// the transaction of the change. Without If-Match everything may be changed.
func (p Precondition) check(current string) error {
	if p.IfMatch == "" || strings.TrimSpace(p.IfMatch) == "*" {
		return nil
	}
	for tag := range strings.SplitSeq(p.IfMatch, ",") {
		if strings.TrimSpace(tag) == current { // a weak one never matches (RFC 9110 section 8.8.3.2)
			return nil
		}
	}
	return protocol.Errorf(protocol.CodePreconditionFailed, "it has been changed since it was read: read it again, and change that")
}

// etagOf returns a tag for a state, which is all that can be changed of something: the rest of it, such as whether a
// device is online, is not in the tag. What it is given can be encoded as JSON.
func etagOf(state ...any) string {
	text, err := json.Marshal(state)
	if err != nil {
		panic(err) // of a type that is no state
	}
	sum := sha256.Sum256(text)
	return `"` + base64.RawURLEncoding.EncodeToString(sum[:etagBytes]) + `"`
}
