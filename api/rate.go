package api

import (
	"cmp"
	"fmt"
	"math"
	"net/netip"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// Rates are how many requests may come in a second, ten times as many at once.
type Rates struct {
	// Key is for one API key; 0 means DefaultKeyRate.
	Key float64
	// Project is for all keys of a project together; 0 means DefaultProjectRate.
	Project float64
}

const (
	// DefaultKeyRate is what Stripe lets an account do. One that mints a token for every viewer serves 360,000 an hour.
	DefaultKeyRate = 100
	// DefaultProjectRate leaves room for a few backends with a key each.
	DefaultProjectRate = 400

	// burstSeconds is how many seconds of its rate a key or project may have at once.
	burstSeconds = 10
	// longestWait bounds what Retry-After says.
	longestWait = time.Minute

	// maxBuckets bounds each table, in about 2 MB.
	maxBuckets = 10_000
)

// strangerPace is how often one address may fail to authenticate: a backend with a wrong key that tries again and again.
// No rate would let anybody guess a key, which has 190 bits.
var strangerPace = throttle.Pace{Rate: 1, Burst: 60, Longest: longestWait}

// rates keeps count of requests. It is safe for concurrent use.
type rates struct {
	perKey, perProject throttle.Pace
	// policy is the header RateLimit-Policy.
	policy    string
	keys      *throttle.Table[protocol.KeyID]
	projects  *throttle.Table[protocol.ProjectID]
	strangers *throttle.Table[netip.Prefix]
}

func newRates(c Rates) *rates {
	r := &rates{perKey: paceOf(cmp.Or(c.Key, DefaultKeyRate)), perProject: paceOf(cmp.Or(c.Project, DefaultProjectRate))}
	r.policy = fmt.Sprintf(`%d;w=%d;comment="key", %d;w=%d;comment="project"`, r.perKey.Burst, burstSeconds, r.perProject.Burst, burstSeconds)
	r.keys = throttle.NewTable[protocol.KeyID](r.perKey, maxBuckets)
	r.projects = throttle.NewTable[protocol.ProjectID](r.perProject, maxBuckets)
	r.strangers = throttle.NewTable[netip.Prefix](strangerPace, maxBuckets)
	return r
}

func paceOf(rate float64) throttle.Pace {
	return throttle.Pace{Rate: rate, Burst: max(1, int(rate*burstSeconds)), Longest: longestWait}
}

// allowance is what is left of a bound after a request was counted.
type allowance struct {
	limit, left int
	wait, whole time.Duration
}

// tighter reports whether this one refuses, or leaves less than the other.
func (a allowance) tighter(b allowance) bool {
	if (a.wait > 0) != (b.wait > 0) {
		return a.wait > 0
	}
	return a.left < b.left
}

// count counts a request and returns the tighter bound.
func (r *rates) count(key protocol.KeyID, project protocol.ProjectID, now time.Time) allowance {
	ofKey := allowance{limit: r.perKey.Burst}
	if ofKey.wait, ofKey.left, ofKey.whole = r.keys.TakeAndCount(key, now); ofKey.wait > 0 {
		return ofKey // what is refused costs the project's other keys nothing
	}
	ofProject := allowance{limit: r.perProject.Burst}
	ofProject.wait, ofProject.left, ofProject.whole = r.projects.TakeAndCount(project, now)
	if ofProject.tighter(ofKey) {
		return ofProject
	}
	return ofKey
}

// limitRequests is the middleware that bounds what comes from one key and one project. It says what is left
// (draft-ietf-httpapi-ratelimit-headers-06).
func (a *API) limitRequests(ctx huma.Context, next func(huma.Context)) {
	key := keyOf(ctx.Context())
	left := a.rates.count(key.ID, key.Project, a.config.Now())
	ctx.SetHeader("RateLimit-Policy", a.rates.policy)
	ctx.SetHeader("RateLimit-Limit", strconv.Itoa(left.limit))
	ctx.SetHeader("RateLimit-Remaining", strconv.Itoa(left.left))
	ctx.SetHeader("RateLimit-Reset", strconv.FormatInt(int64(math.Ceil(left.whole.Seconds())), 10))
	if left.wait > 0 {
		refuse(ctx, tooMany(left.wait, "too many requests; RateLimit-Policy says how many may come"))
		return
	}
	next(ctx)
}

// limitStrangers returns what to answer to one who failed to authenticate: the refusal, or that there were too many.
func (a *API) limitStrangers(ctx huma.Context, refusal *Problem) *Problem {
	r, _ := humago.Unwrap(ctx)
	who := throttle.Household(a.config.ClientAddress(r))
	if wait := a.rates.strangers.Take(who, a.config.Now()); wait > 0 {
		return tooMany(wait, "too many requests without a good API key came from this address")
	}
	return refusal
}

func tooMany(wait time.Duration, detail string) *Problem {
	refusal := protocol.Errorf(protocol.CodeRateLimited, "%s", detail)
	refusal.RetryMS = max(1, wait.Milliseconds())
	return problemOf(refusal)
}
