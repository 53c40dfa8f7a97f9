package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sightline-rtc/sightline/protocol"
	"github.com/sightline-rtc/sightline/record"
)

const (
	idempotencyHeader = "Idempotency-Key"
	replayedHeader    = "Idempotency-Replayed"

	// maxIdempotencyKey is Stripe's.
	maxIdempotencyKey = 255
	// turnPatience is how long a retry waits for the request that is under way, rather than be told to come again.
	turnPatience = 10 * time.Second
	// keepTimeout bounds what is kept of a request whose client may have gone.
	keepTimeout = 5 * time.Second
)

// repeatable is the Metadata of operations that find what they have made when they are executed once more under the same
// claim (record.Claim.Random), so that an answer that was lost can be given after all.
var repeatable = map[string]any{"repeatable": true}

var idempotencyParameter = &huma.Param{
	Name: idempotencyHeader, In: "header",
	Description: "Names the request: one that comes again with the same key within 24 hours is answered as the first was, and not executed again.",
	Schema:      &huma.Schema{Type: huma.TypeString, MinLength: new(1), MaxLength: new(maxIdempotencyKey)},
}

// once is the middleware of all that is not idempotent by itself: of a request that has an idempotency key it executes one,
// however often and at the same time it comes.
func (a *API) once(ctx huma.Context, next func(huma.Context)) {
	r, w := humago.Unwrap(ctx)
	if len(r.Header.Values(idempotencyHeader)) == 0 {
		next(ctx)
		return
	}
	wanted, err := a.wantedClaim(ctx, r)
	if err != nil {
		refuse(ctx, a.fail(ctx.Context(), ctx.Operation().Path, err))
		return
	}
	done, err := a.turns.take(ctx.Context(), turn{wanted.Project, wanted.Name})
	if err != nil {
		refuse(ctx, a.fail(ctx.Context(), ctx.Operation().Path, err))
		return
	}
	defer done()
	claim, err := a.config.Claims.Claim(ctx.Context(), wanted)
	switch {
	case err != nil:
		refuse(ctx, a.fail(ctx.Context(), ctx.Operation().Path, err))
	case claim.Done:
		claim.Secret = wanted.Secret
		a.replay(ctx, claim, w)
	default:
		claim.Secret = wanted.Secret
		given := a.execute(ctx, claim, next)
		given.send(w)
	}
}

// wantedClaim reads the request, whose body can be read once more afterwards.
func (a *API) wantedClaim(ctx huma.Context, r *http.Request) (record.Claim, error) {
	name := r.Header.Get(idempotencyHeader)
	if len(r.Header.Values(idempotencyHeader)) > 1 || !validIdempotencyKey(name) {
		return record.Claim{}, protocol.Errorf(protocol.CodeInvalid, "%s has 1 to %d characters of ASCII without control characters", idempotencyHeader, maxIdempotencyKey)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			return record.Claim{}, protocol.Errorf(protocol.CodeTooLarge, "the body is over %d bytes", maxBodyBytes)
		}
		return record.Claim{}, protocol.Errorf(protocol.CodeBadMessage, "the body did not come whole").Because(err)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	key := keyOf(ctx.Context())
	_, again := ctx.Operation().Metadata["repeatable"]
	return record.Claim{
		Project: key.Project, Name: name, Repeatable: again, Secret: []byte(plainOf(ctx.Context()).Reveal()),
		Request: hashOf(r.Method, r.URL.RequestURI(), string(key.ID), r.Header.Get("Content-Type"), string(body)),
	}, nil
}

func validIdempotencyKey(name string) bool {
	for i := range len(name) {
		if name[i] < ' ' || name[i] > '~' {
			return false
		}
	}
	return name != "" && len(name) <= maxIdempotencyKey
}

// hashOf returns one hash for all parts, each with its length before it.
func hashOf(parts ...string) []byte {
	h := sha256.New()
	for _, part := range parts {
		_ = binary.Write(h, binary.BigEndian, uint64(len(part))) // a hash takes everything
		_, _ = io.WriteString(h, part)
	}
	return h.Sum(nil)
}

// execute runs the operation under the claim and keeps its answer. One that fails and has changed nothing is forgotten:
// the same key may come with a better request.
func (a *API) execute(ctx huma.Context, claim *record.Claim, next func(huma.Context)) (given *keptAnswer) {
	keeping, cancel := context.WithTimeout(context.WithoutCancel(ctx.Context()), keepTimeout)
	defer cancel()
	kept := false
	defer func() {
		if !kept { // it panicked
			_, _ = a.config.Claims.ReleaseClaim(keeping, claim) // what fails here is forgotten after ClaimLease
		}
	}()
	r, w := humago.Unwrap(ctx)
	recorder := newRecorder(w)
	next(humago.NewContext(ctx.Operation(), r.WithContext(record.WithClaim(ctx.Context(), claim)), recorder))
	given = recorder.answer()
	kept = true
	if err := a.keep(keeping, claim, given); err != nil {
		a.log.Error("answer not kept", "path", ctx.Operation().Path, "project", claim.Project, "err", err)
	}
	return given
}

func (a *API) keep(ctx context.Context, claim *record.Claim, given *keptAnswer) error {
	if given.Status >= http.StatusBadRequest {
		released, err := a.config.Claims.ReleaseClaim(ctx, claim)
		if released || err != nil {
			return err
		}
	}
	sealed, err := given.seal(claim)
	if err != nil {
		return err
	}
	return a.config.Claims.FinishClaim(ctx, claim, sealed)
}

// replay answers as the first request was answered.
func (a *API) replay(ctx huma.Context, claim *record.Claim, w http.ResponseWriter) {
	given, err := openAnswer(claim)
	if err != nil {
		lost := protocol.Errorf(protocol.CodeAnswerLost, "this request was executed, and its answer could not be kept; use another idempotency key for another")
		refuse(ctx, a.fail(ctx.Context(), ctx.Operation().Path, lost.Because(err)))
		return
	}
	w.Header().Set(replayedHeader, "true")
	given.send(w)
}
