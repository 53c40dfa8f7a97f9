package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sightline-rtc/sightline/record"
)

// version is the version of the API's contract, not of the program: it grows with the document.
const version = "1.0.0"

const securityScheme = "key"

// Page chooses a page of a list.
type Page struct {
	Limit  int    `query:"limit" minimum:"1" maximum:"100" default:"50" doc:"How many to return at most"`
	Cursor string `query:"cursor" maxLength:"256" doc:"The next_cursor of the page before"`
}

// each turns records into resources. No records give an empty list, never null.
func each[R, T any](records []R, resource func(R) T) []T {
	list := make([]T, len(records))
	for i, r := range records {
		list[i] = resource(r)
	}
	return list
}

// distinct leaves out what is in a list for the second time: that it may not be is no rule of the schemas, because huma panics over
// items that are no words.
func distinct[T comparable](list []T) []T {
	var out []T
	for _, item := range list {
		if !slices.Contains(out, item) {
			out = append(out, item)
		}
	}
	return out
}

func newHuma(mux *http.ServeMux) huma.API {
	config := huma.DefaultConfig("Sightline", version)
	config.Info.Description = "Cameras, who may look at them, and who does."
	config.CreateHooks = nil // they would add $schema to every body
	config.OpenAPIPath, config.DocsPath, config.SchemasPath = "", "", ""
	config.RejectUnknownQueryParameters = true
	config.Transformers = []huma.Transformer{asProblem}
	config.Components.SecuritySchemes = map[string]*huma.SecurityScheme{
		securityScheme: {Type: "http", Scheme: "bearer", Description: "An API key, sl_live_…"},
	}
	return humago.New(mux, config)
}

// add adds an operation that needs an API key with the scope of its method and path. A POST may have an idempotency
// key; its Metadata are repeatable where it is. The operation's own middlewares come last.
func add[I, O any](a *API, operation huma.Operation, serve func(context.Context, *I) (*O, error)) {
	resource, _, _ := strings.Cut(strings.TrimPrefix(operation.Path, "/v1/"), "/")
	scope := record.ScopeOf(resource, operation.Method != http.MethodGet && operation.Method != http.MethodHead)
	operation.Security = []map[string][]string{{securityScheme: {}}}
	operation.Extensions = map[string]any{"x-scope": scope}
	chain := huma.Middlewares{a.authenticate, a.limitRequests, a.permit(scope)}
	if operation.Method == http.MethodPost {
		chain = append(chain, a.once)
		operation.Parameters = append(operation.Parameters, idempotencyParameter)
	}
	operation.Middlewares = append(chain, operation.Middlewares...)
	addOpen(a, operation, serve)
}

// addOpen adds an operation that anybody may ask for.
func addOpen[I, O any](a *API, operation huma.Operation, serve func(context.Context, *I) (*O, error)) {
	operation.MaxBodyBytes = maxBodyBytes
	if operation.Responses == nil {
		operation.Responses = map[string]*huma.Response{}
	}
	operation.Responses["default"] = a.problemResponse()
	huma.Register(a.huma, operation, func(ctx context.Context, in *I) (*O, error) {
		out, err := serve(ctx, in)
		if err != nil {
			return nil, a.fail(ctx, operation.Path, err)
		}
		return out, nil
	})
}

func (a *API) problemResponse() *huma.Response {
	schema := a.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[Problem](), true, "Problem")
	return &huma.Response{
		Description: "A problem (RFC 9457)",
		Content:     map[string]*huma.MediaType{problemType: {Schema: schema}},
	}
}

// encodeDocument returns the OpenAPI document as it is served and committed.
func encodeDocument(api huma.API) ([]byte, error) {
	// huma registers the form of its own errors, which Problem replaces.
	schemas := api.OpenAPI().Components.Schemas.Map()
	delete(schemas, "ErrorModel")
	delete(schemas, "ErrorDetail")
	for name, schema := range schemas {
		if !strings.HasSuffix(name, "InputBody") {
			schema.AdditionalProperties = true // answers may grow; requests are refused what they misspell
		}
	}
	document, err := json.MarshalIndent(api.OpenAPI(), "", "  ")
	if err != nil {
		return nil, fmt.Errorf("encode the OpenAPI document: %w", err)
	}
	return append(document, '\n'), nil
}

func (a *API) serveDocument(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(a.document) // fails only when the client has gone
}
