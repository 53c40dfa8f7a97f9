package record

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"strconv"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// ClaimLife is how long a request of an idempotency key is remembered, since it was first seen.
	ClaimLife = 24 * time.Hour
	// ClaimLease is how long one execution of it keeps others away without having an answer: longer than any takes.
	ClaimLease = 30 * time.Second
)

// Claim is the right to execute the request of an idempotency key, once at a time. What the store writes under it, it
// notes in the same transaction, so that whoever comes after a crash knows whether anything was done.
type Claim struct {
	Project protocol.ProjectID
	// Name is the idempotency key.
	Name string
	// Request is a hash of all that makes the request what it is.
	Request []byte
	// Repeatable says that an execution again finds what the one before has made: the store makes its random parts from
	// Random.
	Repeatable bool

	// What follows is given by the store. Run names the execution; when another has taken its place, its writes fail. Salt
	// is the same for all executions.
	Run  string
	Salt []byte
	// Written says that an execution before this one has written something.
	Written bool
	// Done says that the request has been answered, and Answer is what was kept of that; nil is nothing.
	Done   bool
	Answer []byte

	// Secret makes what Random gives unpredictable for who knows the store's rows. The store does not see it.
	Secret []byte
}

// Random returns random bytes for a purpose, the same in every execution of a repeatable request. Without a claim, or
// for one that is not repeatable, they are new ones..
func (c *Claim) Random(purpose string) io.Reader {
	if c == nil || !c.Repeatable {
		return rand.Reader
	}
	return &expansion{secret: c.Secret, salt: c.Salt, info: "random " + purpose}
}

// WasWritten reports whether what is to be made may have been made by an execution before.
func (c *Claim) WasWritten() bool { return c != nil && c.Written }

// Key returns 32 bytes for a purpose that only who has the Secret can make.
func (c *Claim) Key(purpose string) []byte {
	key, err := hkdf.Key(sha256.New, c.Secret, c.Salt, "key "+purpose, sha256.Size)
	if err != nil {
		panic(err) // of too much being asked for, alone
	}
	return key
}

// expansion gives the bytes of HKDF (RFC 5869), block after block.
type expansion struct {
	secret, salt []byte
	info         string
	blocks       int
	rest         []byte
}

// expansionBlock is how many bytes are made at a time.
const expansionBlock = 64

func (e *expansion) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		block, err := hkdf.Key(sha256.New, e.secret, e.salt, e.info+" "+strconv.Itoa(e.blocks), expansionBlock)
		if err != nil {
			return 0, err
		}
		e.rest = block
		e.blocks++
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

type claimOfContext struct{}

// WithClaim returns a context for what is done under a claim.
func WithClaim(ctx context.Context, c *Claim) context.Context {
	return context.WithValue(ctx, claimOfContext{}, c)
}

// ClaimOf returns the claim under which something is done, nil if there is none.
func ClaimOf(ctx context.Context) *Claim {
	c, _ := ctx.Value(claimOfContext{}).(*Claim)
	return c
}
