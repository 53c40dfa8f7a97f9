package record

import (
	"bytes"
	"io"
	"testing"
)

func read(t *testing.T, r io.Reader, n int) []byte {
	t.Helper()
	b := make([]byte, n)
	if _, err := io.ReadFull(r, b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRepeatableClaimGivesTheSameRandomBytesAgain(t *testing.T) {
	c := &Claim{Repeatable: true, Secret: []byte("secret"), Salt: []byte("salt")}
	first := read(t, c.Random("key"), 1000)
	again := c.Random("key")
	if got := append(read(t, again, 10), read(t, again, 990)...); !bytes.Equal(got, first) {
		t.Error("the bytes depend on how they are read")
	}
	for name, other := range map[string]*Claim{
		"secret":     {Repeatable: true, Secret: []byte("other"), Salt: []byte("salt")},
		"salt":       {Repeatable: true, Secret: []byte("secret"), Salt: []byte("other")},
		"repeatable": {Secret: []byte("secret"), Salt: []byte("salt")},
		"none":       nil,
	} {
		if bytes.Equal(read(t, other.Random("key"), 1000), first) {
			t.Errorf("another claim (%s) gives the same bytes", name)
		}
	}
	if bytes.Equal(read(t, c.Random("code"), 1000), first) || bytes.Equal(c.Key("random key"), first[:32]) {
		t.Error("another purpose has the same bytes")
	}
	if bytes.Equal(first[:64], first[64:128]) {
		t.Error("the bytes repeat themselves")
	}
}
