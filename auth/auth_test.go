package auth

import (
	"errors"
	"testing"

	"github.com/sightline-rtc/sightline/protocol"
)

func wantCode(t *testing.T, err error, want protocol.Code) {
	t.Helper()
	var got *protocol.Error
	if !errors.As(err, &got) || got.Code != want {
		t.Fatalf("got error %v, want code %s", err, want)
	}
}
