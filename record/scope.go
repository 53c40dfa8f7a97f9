package record

import (
	"slices"
	"strings"
)

// Scope is one thing that an API key may do: RESOURCE:read or RESOURCE:write, neither of which includes the other, or
// ScopeOperator.
type Scope string

// ScopeOperator lets a key make and change projects. Only the command line makes such keys.
const ScopeOperator Scope = "operator"

// ScopeResources are the resources that scopes name: the first segments of the API's paths after /v1/. /v1/projects is
// not among them, which takes ScopeOperator.
var ScopeResources = []string{
	"budgets", "devices", "enrolments", "events", "grants", "keys", "ledger", "project", "sessions", "signing-keys", "tokens",
	"usage", "webhooks",
}

// MaxScopes bounds those of one key: each there is once, and the operator's.
var MaxScopes = 2*len(ScopeResources) + 1

// ScopeOf returns the scope of reading or writing a resource.
func ScopeOf(resource string, write bool) Scope {
	switch {
	case resource == "projects":
		return ScopeOperator
	case write:
		return Scope(resource + ":write")
	}
	return Scope(resource + ":read")
}

// Valid reports whether there is such a scope.
func (s Scope) Valid() bool {
	resource, verb, _ := strings.Cut(string(s), ":")
	return s == ScopeOperator || slices.Contains(ScopeResources, resource) && (verb == "read" || verb == "write")
}
