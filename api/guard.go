package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

// guard stands before the mux: it bounds bodies, and whatever goes wrong outside an operation becomes a problem.
func (a *API) guard(mux *http.ServeMux) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "no-store")
		defer a.survive(w, r)
		handler, pattern := mux.Handler(r)
		if pattern == "" {
			refusal := &statusOnly{header: w.Header(), status: http.StatusOK}
			handler.ServeHTTP(refusal, r)
			problemFor(refusal.status, detailOf(refusal.status)).write(w)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBodyBytes)
		mux.ServeHTTP(w, r)
	})
}

// survive makes a problem of a panic: one request's fault is not the others'.
func (a *API) survive(w http.ResponseWriter, r *http.Request) {
	cause := recover()
	if cause == nil {
		return
	}
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause)
	}
	a.log.Error("request panicked", "path", r.URL.Path, "err", fmt.Sprintf("%v\n%s", cause, debug.Stack()))
	problemFor(http.StatusInternalServerError, "").write(w)
}

func detailOf(status int) string {
	if status == http.StatusMethodNotAllowed {
		return "this cannot be done here; Allow says what can"
	}
	return "there is nothing at this address"
}

// statusOnly takes the status and the headers of an answer whose body is not wanted.
type statusOnly struct {
	header http.Header
	status int
}

func (s *statusOnly) Header() http.Header         { return s.header }
func (s *statusOnly) WriteHeader(status int)      { s.status = status }
func (s *statusOnly) Write(b []byte) (int, error) { return len(b), nil }

type credentialOfContext struct{}

// credential is an API key and the text that proves it.
type credential struct {
	key   record.Key
	plain auth.Secret
}

// keyOf returns the API key that an authenticated request came with.
func keyOf(ctx context.Context) record.Key {
	c, _ := ctx.Value(credentialOfContext{}).(credential)
	return c.key
}

// plainOf returns that key's own text, of which nothing but a hash is kept.
func plainOf(ctx context.Context) auth.Secret {
	c, _ := ctx.Value(credentialOfContext{}).(credential)
	return c.plain
}

// authenticate is the middleware of all operations that need an API key (RFC 6750 section 2.1).
func (a *API) authenticate(ctx huma.Context, next func(huma.Context)) {
	proven, err := a.bearer(ctx)
	if err != nil {
		p := a.fail(ctx.Context(), ctx.Operation().Path, ofCredential(err))
		if p.Status == http.StatusUnauthorized {
			p = a.limitStrangers(ctx, p)
		}
		refuse(ctx, p)
		return
	}
	next(huma.WithValue(ctx, credentialOfContext{}, proven))
}

// ofCredential makes of a refused credential a problem with the status 401: revoked, of a device that is 403.
func ofCredential(err error) error {
	p := problemOf(err)
	if p.Code != protocol.CodeRevoked && p.Code != protocol.CodeExpired {
		return err
	}
	p.Status, p.Title = http.StatusUnauthorized, http.StatusText(http.StatusUnauthorized)
	return p
}

// permit makes the middleware that asks the API key for a scope.
func (a *API) permit(scope record.Scope) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		if key := keyOf(ctx.Context()); !key.May(scope) {
			refuse(ctx, problemOf(noScope(scope)))
			return
		}
		next(ctx)
	}
}

func noScope(scope record.Scope) error {
	return protocol.Errorf(protocol.CodeForbidden, "this API key has not the scope %s", scope)
}

func (a *API) bearer(ctx huma.Context) (credential, error) {
	scheme, plain, _ := strings.Cut(ctx.Header("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return credential{}, protocol.Errorf(protocol.CodeBadToken, "send an API key: Authorization: Bearer sl_live_…")
	}
	plain = strings.TrimSpace(plain)
	key, err := a.config.Keys.Authenticate(ctx.Context(), plain)
	return credential{key, auth.NewSecret(plain)}, err
}

// refuse answers a huma request with a problem.
func refuse(ctx huma.Context, p *Problem) {
	_, w := humago.Unwrap(ctx)
	p.write(w)
}
