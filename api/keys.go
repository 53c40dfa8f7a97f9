package api

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Key is an API key as partners see it, without the key.
type Key struct {
	ID      protocol.KeyID `json:"id"`
	Name    string         `json:"name"`
	Scopes  []record.Scope `json:"scopes" nullable:"false" doc:"What it may do; none is everything of its project"`
	Created time.Time      `json:"created"`
	Expires time.Time      `json:"expires,omitzero" doc:"When it ends by itself; the tokens that it has made live on to their own end"`
	// LastUsed is as coarse as record.KeyUseInterval.
	LastUsed  time.Time      `json:"last_used,omitzero" doc:"When it was used last, up to 10 minutes ago"`
	Revoked   time.Time      `json:"revoked,omitzero"`
	Successor protocol.KeyID `json:"successor,omitempty" doc:"The key that took its place in a rotation"`
}

type (
	keyInput struct {
		ID protocol.KeyID `path:"key" maxLength:"64"`
	}
	createKeyInput struct {
		Body KeyInputBody
	}
	// KeyInputBody says what key to make.
	KeyInputBody struct {
		Name    string         `json:"name,omitempty" maxLength:"128" doc:"What the key is for"`
		Scopes  []record.Scope `json:"scopes,omitempty" maxItems:"32" nullable:"false" example:"[\"tokens:write\"]" doc:"What it may do: RESOURCE:read or RESOURCE:write, no more than the key that asks may. None is everything of the project"`
		Expires time.Time      `json:"expires,omitempty" doc:"When it ends by itself; absent: never. A key that expires makes none that outlives it"`
	}
	rotateKeyInput struct {
		ID   protocol.KeyID `path:"key" maxLength:"64"`
		Body struct {
			OverlapSeconds int `json:"overlap_s" minimum:"0" maximum:"2592000" doc:"How long the old key lives beside the new one"`
		}
	}
	createKeyOutput struct {
		Body struct {
			Key
			Plain string `json:"key" doc:"The key. It is shown this once"`
		}
	}
	keysInput struct {
		Page
	}
	keysOutput struct {
		Body struct {
			Keys       []Key  `json:"keys" nullable:"false"`
			NextCursor string `json:"next_cursor,omitempty"`
		}
	}
)

func (a *API) addKeys() {
	add(a, huma.Operation{
		OperationID: "create-key", Method: http.MethodPost, Path: "/v1/keys", Tags: []string{"keys"},
		Summary: "Make an API key of the project", DefaultStatus: http.StatusCreated, Metadata: repeatable,
	}, a.createKey)
	add(a, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/v1/keys", Tags: []string{"keys"},
		Summary: "List the API keys, revoked ones too, the newest first",
	}, a.listKeys)
	add(a, huma.Operation{
		OperationID: "rotate-key", Method: http.MethodPost, Path: "/v1/keys/{key}/rotate", Tags: []string{"keys"},
		Summary: "Make a successor of an API key", DefaultStatus: http.StatusCreated, Metadata: repeatable,
		Description: "It has the name, the scopes and the expiry of the old one, which ends after the overlap. Two live at most: " +
			"a key is rotated once, and not before the one that it replaced has ended. The tokens that the old one has made live on to their own end.",
	}, a.rotateKey)
	add(a, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/v1/keys/{key}", Tags: []string{"keys"},
		Summary: "Revoke an API key: the viewers whose tokens it made are shut out at once",
	}, a.revokeKey)
}

func (a *API) createKey(ctx context.Context, in *createKeyInput) (*createKeyOutput, error) {
	by := keyOf(ctx)
	asked, err := askedKey(by.Project, in.Body)
	if err != nil {
		return nil, err
	}
	if !by.MayMake(asked) {
		return nil, protocol.Errorf(protocol.CodeForbidden, "a key cannot make one that may more than itself, or lives longer")
	}
	return shownOnce(a.config.Keys.CreateKey(ctx, asked))
}

// askedKey is the key that a request asks for in a project. It fails with CodeForbidden for an operator's.
func askedKey(project protocol.ProjectID, in KeyInputBody) (record.Key, error) {
	asked := record.Key{Project: project, Name: in.Name, Scopes: distinct(in.Scopes), Expires: in.Expires}
	if slices.Contains(asked.Scopes, record.ScopeOperator) {
		return record.Key{}, protocol.Errorf(protocol.CodeForbidden, "keys of operators are made on the command line")
	}
	return asked, nil
}

func (a *API) rotateKey(ctx context.Context, in *rotateKeyInput) (*createKeyOutput, error) {
	return shownOnce(a.config.Keys.RotateKey(ctx, keyOf(ctx), in.ID, time.Duration(in.Body.OverlapSeconds)*time.Second))
}

// shownOnce is the answer that has a fresh key.
func shownOnce(k record.Key, plain auth.Secret, err error) (*createKeyOutput, error) {
	if err != nil {
		return nil, err
	}
	out := &createKeyOutput{}
	out.Body.Key, out.Body.Plain = key(k), plain.Reveal()
	return out, nil
}

func (a *API) listKeys(ctx context.Context, in *keysInput) (*keysOutput, error) {
	list, next, err := a.config.Keys.Keys(ctx, keyOf(ctx).Project, in.Cursor, in.Limit)
	if err != nil {
		return nil, err
	}
	out := &keysOutput{}
	out.Body.Keys, out.Body.NextCursor = each(list, key), next
	return out, nil
}

func (a *API) revokeKey(ctx context.Context, in *keyInput) (*struct{}, error) {
	if err := a.config.Keys.RevokeKey(ctx, keyOf(ctx).Project, in.ID); err != nil {
		return nil, err
	}
	a.config.Hub.RevokeKey(context.WithoutCancel(ctx), in.ID)
	return nil, nil
}

func key(k record.Key) Key {
	out := Key{
		ID: k.ID, Name: k.Name, Scopes: k.Scopes, Created: k.Created, Expires: k.Expires, LastUsed: k.Used, Revoked: k.Revoked,
		Successor: k.Successor,
	}
	if out.Scopes == nil {
		out.Scopes = []record.Scope{}
	}
	return out
}
