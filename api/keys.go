package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// Key is an API key as partners see it, without the key.
type Key struct {
	ID      protocol.KeyID `json:"id"`
	Name    string         `json:"name"`
	Created time.Time      `json:"created"`
	Revoked time.Time      `json:"revoked,omitzero"`
}

type (
	keyInput struct {
		ID protocol.KeyID `path:"key" maxLength:"64"`
	}
	createKeyInput struct {
		Body struct {
			Name string `json:"name,omitempty" maxLength:"128" doc:"What the key is for"`
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
		Summary: "Make an API key of the project", DefaultStatus: http.StatusCreated,
	}, a.createKey)
	add(a, huma.Operation{
		OperationID: "list-keys", Method: http.MethodGet, Path: "/v1/keys", Tags: []string{"keys"},
		Summary: "List the API keys, revoked ones too, the newest first",
	}, a.listKeys)
	add(a, huma.Operation{
		OperationID: "revoke-key", Method: http.MethodDelete, Path: "/v1/keys/{key}", Tags: []string{"keys"},
		Summary: "Revoke an API key: the viewers whose tokens it made are shut out at once",
	}, a.revokeKey)
}

func (a *API) createKey(ctx context.Context, in *createKeyInput) (*createKeyOutput, error) {
	k, plain, err := a.config.Keys.CreateKey(ctx, record.Key{Project: keyOf(ctx).Project, Name: in.Body.Name})
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
	return Key{ID: k.ID, Name: k.Name, Created: k.Created, Revoked: k.Revoked}
}
