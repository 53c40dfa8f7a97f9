package record

import "testing"

func TestOnlyKnownScopesAreValid(t *testing.T) {
	for _, resource := range ScopeResources {
		if !ScopeOf(resource, true).Valid() || !ScopeOf(resource, false).Valid() {
			t.Errorf("the scopes of %s are not valid", resource)
		}
	}
	if got := ScopeOf("projects", false); got != ScopeOperator || !got.Valid() {
		t.Errorf("to read projects: got %s", got)
	}
	for _, none := range []Scope{"", ":", "devices", "devices:", "devices:delete", "projects:read", "everything:read", "operator:read", "devices:read:write"} {
		if none.Valid() {
			t.Errorf("%q is valid", none)
		}
	}
}

func TestKeyMayDoWhatItsScopesSay(t *testing.T) {
	for _, test := range []struct {
		scopes []Scope
		need   Scope
		want   bool
	}{
		{nil, "devices:write", true},
		{nil, ScopeOperator, false},
		{[]Scope{"tokens:write"}, "tokens:write", true},
		{[]Scope{"tokens:write"}, "tokens:read", false},
		{[]Scope{"tokens:write"}, "devices:read", false},
		{[]Scope{"tokens:write", "devices:read"}, "devices:read", true},
		{[]Scope{ScopeOperator}, ScopeOperator, true},
		{[]Scope{ScopeOperator}, "devices:read", false},
	} {
		key := Key{Scopes: test.scopes}
		if got := key.May(test.need); got != test.want {
			t.Errorf("%v may %s: got %t", test.scopes, test.need, got)
		}
	}
}
