package signal

import (
	"net/http"
	"slices"
	"strings"
	"sync"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
)

// The WHEP door (draft-ietf-wish-whep-03): a device has an endpoint that takes a player's offer, and each session that comes
// of it a resource. The resource's name has the secret of its owner: who knows it may change and end the session, as players
// do not all say their token again.

const (
	offerType = "application/sdp"
	// endpointMethods are those that an endpoint takes, and with resourceMethods those that a player may use at all.
	// MediaMTX trickles only where the endpoint names PATCH.
	endpointMethods = "OPTIONS, HEAD, POST"
	resourceMethods = "OPTIONS, PATCH, DELETE"
	allMethods      = "OPTIONS, HEAD, POST, PATCH, DELETE"
)

// maxTokenCalls bounds the sessions of one token: a wall that shows one camera many times has fewer.
const maxTokenCalls = 16

// askPace is how often one token may ask the endpoint: a wall of players that begin at once, each with OPTIONS and POST, and
// then as often as a link may.
var askPace = throttle.Pace{Rate: requestsPerSecond, Burst: 2 * requestBurst, Longest: longestRefusal}

// maxAskers bounds how many tokens' paces are remembered, in about 2 MB.
const maxAskers = 10_000

// patchesPerSecond and patchBurst bound the PATCH requests of one session: players send one for each of their candidates.
const (
	patchesPerSecond = 10
	patchBurst       = 64
)

// whepDoor has the resources of the door. It is safe for concurrent use.
type whepDoor struct {
	askers *throttle.Table[string]

	// mu guards what follows.
	mu        sync.Mutex
	resources map[protocol.SessionID]*resource
	byToken   map[string]int
}

// resource is a session that a player may change.
type resource struct {
	call    *call
	patches *rate.Limiter
	// turn is taken while an ICE restart is on its way.
	turn sync.Mutex
	// mu guards what follows.
	mu  sync.Mutex
	ice iceSession
}

// iceSession is what an entity tag names: the credentials of the player, and the revision of the offer that brought them.
type iceSession struct {
	etag     string
	ufrag    string
	revision int
}

func newWHEPDoor() *whepDoor {
	return &whepDoor{
		askers:    throttle.NewTable[string](askPace, maxAskers),
		resources: map[protocol.SessionID]*resource{}, byToken: map[string]int{},
	}
}

// reserve counts one more session of a token. It fails with CodeRateLimited when there are too many.
func (d *whepDoor) reserve(token string) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byToken[token] >= maxTokenCalls {
		err := protocol.Errorf(protocol.CodeRateLimited, "the token has %d sessions already", maxTokenCalls)
		err.RetryMS = retryLater.Milliseconds()
		return err
	}
	d.byToken[token]++
	return nil
}

func (d *whepDoor) release(token string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.byToken[token]--; d.byToken[token] <= 0 {
		delete(d.byToken, token)
	}
}

// putResource makes a call a resource until it is over.
func (h *Hub) putResource(c *call) *resource {
	r := &resource{call: c, patches: rate.NewLimiter(patchesPerSecond, patchBurst)}
	r.begin(c.iceSession())
	d := h.whep
	d.mu.Lock()
	d.resources[c.id] = r
	d.mu.Unlock()
	h.work.Go(func() {
		<-c.over
		d.mu.Lock()
		defer d.mu.Unlock()
		delete(d.resources, c.id)
	})
	return r
}

// begin puts another ICE session in the place of the last one, and returns its entity tag, a strong one (RFC 9110 section 8.8.3).
func (r *resource) begin(ice iceSession) (etag string) {
	ice.etag = `"` + newSecret()[:16] + `"`
	r.mu.Lock()
	defer r.mu.Unlock()
	r.ice = ice
	return ice.etag
}

func (r *resource) current() iceSession {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ice
}

// name is the last part of a resource's path.
func (c *call) name() string { return string(c.id) + "." + c.owner }

// parseName is the opposite of name.
func parseName(name string) (id protocol.SessionID, owner string, ok bool) {
	text, owner, ok := strings.Cut(name, ".")
	id = protocol.SessionID(text)
	return id, owner, ok && id.Valid() && protocol.GrantID(owner).Valid()
}

// location is the path of a resource.
func (c *call) location() string { return protocol.WHEPPath(c.viewer.Device) + "/" + c.name() }

// ServeWHEP is /v1/devices/{device}/whep, the endpoint of a device.
func (h *Hub) ServeWHEP(w http.ResponseWriter, r *http.Request) {
	if !h.enterWHEP(w, r, endpointMethods) {
		return
	}
	switch r.Method {
	case http.MethodOptions, http.MethodHead:
		header := w.Header()
		header.Set("Accept-Post", offerType)
		for _, link := range whep.Links(h.askedServers(r)) {
			header.Add("Link", link)
		}
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPost:
		h.serveOffer(w, r)
	}
}

// ServeWHEPSession is /v1/devices/{device}/whep/{session}, the resource of a session.
func (h *Hub) ServeWHEPSession(w http.ResponseWriter, r *http.Request) {
	if !h.enterWHEP(w, r, resourceMethods) {
		return
	}
	switch r.Method {
	case http.MethodOptions:
		w.Header().Set("Accept-Patch", whep.FragmentType)
		w.WriteHeader(http.StatusNoContent)
	case http.MethodPatch:
		h.servePatch(w, r)
	case http.MethodDelete:
		h.serveDelete(w, r)
	}
}

// enterWHEP sets what every answer has, and reports whether the request may go on.
func (h *Hub) enterWHEP(w http.ResponseWriter, r *http.Request, methods string) bool {
	header := w.Header()
	header.Set(protocol.ServerHeader, h.nodeName())
	header.Set("Cache-Control", "no-store")
	header.Add("Vary", "Origin")
	if !h.allowedOrigin(r) {
		h.refuseWHEP(w, r, protocol.Errorf(protocol.CodeForbidden, "pages of this origin may not open sessions"))
		return false
	}
	if origin := r.Header.Get("Origin"); origin != "" {
		header.Set("Access-Control-Allow-Origin", origin)
		header.Set("Access-Control-Expose-Headers", "Accept-Patch, Accept-Post, ETag, Link, Location, Retry-After, X-Sightline")
	}
	if !slices.Contains(strings.Split(methods, ", "), r.Method) {
		header.Set("Allow", methods)
		writeProblem(w, http.StatusMethodNotAllowed, protocol.Errorf(protocol.CodeInvalid, "this is for %s", methods))
		return false
	}
	if r.Method == http.MethodOptions || r.Method == http.MethodHead {
		header.Set("Allow", allMethods)
		header.Set("Access-Control-Allow-Methods", allMethods)
		header.Set("Access-Control-Allow-Headers", "Authorization, Content-Type, If-Match")
		header.Set("Access-Control-Max-Age", "7200") // the most that browsers heed
	}
	return true
}

// tokenOf returns the viewer token of a request: as a bearer, or in the query for players that can do no better.
func tokenOf(r *http.Request) string {
	if scheme, token, ok := strings.Cut(r.Header.Get("Authorization"), " "); ok && strings.EqualFold(scheme, "Bearer") {
		return strings.TrimSpace(token)
	}
	return r.URL.Query().Get("token")
}
