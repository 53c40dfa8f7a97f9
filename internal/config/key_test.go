package config

import (
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/sightline-rtc/sightline/record"
)

func TestScopesOfTheCommandLineAreKnownOnes(t *testing.T) {
	parse := func(words string) (*CLI, string, error) {
		cli, command, _, err := Parse(strings.Fields(words), "test", io.Discard, io.Discard)
		return cli, command, err
	}
	cli, command, err := parse("key create --scope tokens:write --scope devices:read --operator")
	want := []record.Scope{"tokens:write", "devices:read", record.ScopeOperator}
	if err != nil || command != "key create" || !slices.Equal(cli.Key.Create.Scopes(), want) {
		t.Errorf("got %v, %q, %v", cli.Key.Create.Scopes(), command, err)
	}
	if cli, command, err := parse("key revoke abc"); err != nil || command != "key revoke <key>" || cli.Key.Revoke.Key != "abc" {
		t.Errorf("got %q, %v", command, err)
	}
	for _, words := range []string{"key create --scope everything", "key create --scope operator", "key create --ttl -1s"} {
		if _, _, err := parse(words); err == nil {
			t.Errorf("%s: is taken", words)
		}
	}
}
