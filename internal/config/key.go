package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/record"
)

// Key has the commands about API keys.
type Key struct {
	Create KeyCreate `cmd:"" help:"Make an API key. It is shown once."`
	List   KeyList   `cmd:"" help:"List a project's API keys, revoked ones too, the newest first."`
	Revoke KeyRevoke `cmd:"" help:"Revoke an API key. A running server shuts out the viewers whose tokens it made in a few seconds."`
}

// KeyCreate makes an API key.
type KeyCreate struct {
	Data
	Project  string        `help:"Project of the key." default:"default"`
	Name     string        `help:"What the key is for." default:"command line"`
	Scope    []string      `help:"What the key may do, such as tokens:write. None: everything of its project." placeholder:"SCOPE"`
	Operator bool          `help:"Let the key make and change projects, and make keys of them; without --scope it may do nothing else."`
	TTL      time.Duration `name:"ttl" help:"How long the key is good. 0: for ever." placeholder:"DURATION"`
	JSON     bool          `name:"json" help:"Print JSON."`
}

// KeyList lists a project's API keys.
type KeyList struct {
	Data
	Project string `help:"Project of the keys." default:"default"`
	JSON    bool   `name:"json" help:"Print JSON, one object a line."`
}

// KeyRevoke revokes an API key.
type KeyRevoke struct {
	Data
	Key     string `arg:"" help:"The key's identifier: what follows sl_live_ in it, up to the next _." placeholder:"ID"`
	Project string `help:"Project of the key." default:"default"`
}

// Validate finds scopes that there are not.
func (k *KeyCreate) Validate() error {
	for _, scope := range k.Scope {
		if s := record.Scope(scope); !s.Valid() || s == record.ScopeOperator {
			return fmt.Errorf("--scope: %q is no scope; they are RESOURCE:read and RESOURCE:write of %s", scope, strings.Join(record.ScopeResources, ", "))
		}
	}
	if k.TTL < 0 {
		return fmt.Errorf("--ttl: %v is not 0 or more", k.TTL)
	}
	return nil
}

// Scopes are those of the key.
func (k *KeyCreate) Scopes() []record.Scope {
	scopes := make([]record.Scope, 0, len(k.Scope)+1)
	for _, scope := range k.Scope {
		scopes = append(scopes, record.Scope(scope))
	}
	if k.Operator {
		scopes = append(scopes, record.ScopeOperator)
	}
	return scopes
}
