package protocol

import (
	"bytes"
	"encoding/json"
	"errors"
	"strings"
	"testing"
)

func TestAnAuthorizationComesBackAsItWentIn(t *testing.T) {
	link, key, ok := ParseAuthorization(Authorization("l1", "k.2"))
	if link != "l1" || key != "k.2" || !ok {
		t.Errorf("got %q, %q, %t", link, key, ok)
	}
	for _, bad := range []string{"", "Link ", "Link x", "Link x.", "Link .y", "link x.y", "Bearer x.y", "Link x." + strings.Repeat("y", MaxNameBytes)} {
		if link, key, ok := ParseAuthorization(bad); ok {
			t.Errorf("%q: got %q, %q", bad, link, key)
		}
	}
}

func TestBodiesOfTheLongPollDoorThatAreRefused(t *testing.T) {
	large := bytes.Repeat([]byte(" "), MaxParcelBytes+1)
	for name, test := range map[string]struct {
		err  error
		code Code
	}{
		"no messages":               {second(DecodeParcel([]byte(`{}`))), CodeBadMessage},
		"no object":                 {second(DecodeParcel([]byte(`[]`))), CodeBadMessage},
		"a large send":              {second(DecodeParcel(large)), CodeTooLarge},
		"a poll below nothing":      {second(DecodePoll([]byte(`{"got":-1}`))), CodeBadMessage},
		"a response without number": {second(DecodeDelivery([]byte(`{"messages":[]}`))), CodeBadMessage},
		"a large response":          {second(DecodeDelivery(large)), CodeTooLarge},
		"a farewell without error":  {second(DecodeFarewell([]byte(`{"close":4001}`))), CodeBadMessage},
		"a page":                    {second(DecodeFarewell([]byte(`<html>`))), CodeBadMessage},
	} {
		if !errors.Is(test.err, &Error{Code: test.code}) {
			t.Errorf("%s: got %v, want %s", name, test.err, test.code)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// again checks that a body which was read is read again from what is written of it.
func again[T any](t *testing.T, decode func([]byte) (T, error), in []byte) {
	t.Helper()
	body, err := decode(in)
	if err != nil {
		var known *Error
		if !errors.As(err, &known) {
			t.Fatalf("an error without a code: %v", err)
		}
		return
	}
	first, err := json.Marshal(body)
	if err != nil {
		t.Fatalf("encode again: %v", err)
	}
	if len(first) > MaxParcelBytes {
		return // escaping has made it longer
	}
	same, err := decode(first)
	if err != nil {
		t.Fatalf("%s is not read again: %v", first, err)
	}
	if second, err := json.Marshal(same); err != nil || !bytes.Equal(first, second) {
		t.Errorf("got %s, %v, want %s", second, err, first)
	}
}

func FuzzPollBody(f *testing.F) {
	for _, seed := range []string{
		`{"received":17,"got":4}`, `{}`, `null`, `[]`, `{"got":18446744073709551615}`, `{"got":1e3}`, `{"received":-1}`,
		`{"close":4001,"error":{"code":"going_away","message":"later","retry_ms":1000}}`, `{"close":"4001"}`, `{"error":null}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		again(t, DecodePoll, in)
		again(t, DecodeFarewell, in)
		if link, key, ok := ParseAuthorization(string(in)); ok && Authorization(link, key) != string(in) {
			t.Errorf("got %q and %q of %q", link, key, in)
		}
	})
}

func FuzzParcel(f *testing.F) {
	for _, seed := range []string{
		`{"messages":[{"type":"ping"}]}`, `{"messages":[]}`, `{"messages":[1,"x",null]}`, `{"messages":{}}`,
		`{"response":1,"messages":[{"type":"pong"}]}`, `{"response":0}`, `{"response":5,"messages":null}`, `{"messages":[{"type":"pi`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, in []byte) {
		again(t, DecodeParcel, in)
		again(t, DecodeDelivery, in)
	})
}
