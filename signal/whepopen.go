package signal

import (
	"context"
	"errors"
	"io"
	"mime"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/internal/whep"
	"github.com/sightline-rtc/sightline/protocol"
)

// candidateWait is how long an answer waits for the device's candidates. An answer by HTTP cannot trickle later; the checks of
// the device find whatever pair it has no candidate for in it.
const candidateWait = 500 * time.Millisecond

// offerTime bounds how long a body may take to come in.
const offerTime = 10 * time.Second

// serveOffer answers a player's offer with 201 and a resource.
func (h *Hub) serveOffer(w http.ResponseWriter, r *http.Request) {
	if h.moved(w, r) {
		return
	}
	if err := h.mayCome(r); err != nil {
		w.Header().Set("Connection", "close") // whoever has to wait for seconds needs no open file for it
		h.refuseWHEP(w, r, err)
		return
	}
	if !wantType(w, r, offerType, "Accept-Post") {
		return
	}
	text, err := readBody(w, r, protocol.MaxSDPBytes)
	if err != nil {
		h.refuseWHEP(w, r, err)
		return
	}
	if !h.enter() {
		h.refuseWHEP(w, r, stoppingError)
		return
	}
	defer h.work.Done()
	c, answer, err := h.play(r, text)
	if err != nil {
		h.refuseWHEP(w, r, err)
		return
	}
	made := h.putResource(c)
	header := w.Header()
	header.Set("Content-Type", offerType)
	header.Set("Location", c.location())
	header.Set("ETag", made.current().etag)
	header.Set("Accept-Patch", whep.FragmentType)
	for _, link := range whep.Links(c.guest.welcome.ICEServers) {
		header.Add("Link", link)
	}
	w.WriteHeader(http.StatusCreated)
	_, _ = io.WriteString(w, answer) // a player that has gone is missed by the device
}

// moved sends a player elsewhere, if the hub is stopping and knows where (307, which keeps method and body).
func (h *Hub) moved(w http.ResponseWriter, r *http.Request) bool {
	h.mu.Lock()
	stopping := h.stopping
	h.mu.Unlock()
	if !stopping || len(h.config.Hosts) == 0 {
		return false
	}
	w.Header().Set("Location", "//"+h.config.Hosts[0]+r.URL.RequestURI()) // of the same scheme
	w.WriteHeader(http.StatusTemporaryRedirect)
	return true
}

// mayCome takes a request from the paces that new links have.
func (h *Hub) mayCome(r *http.Request) error {
	cause, wait := h.mayConnect(h.config.ClientAddress(r), time.Now())
	if cause == "" {
		return nil
	}
	h.admission.count(cause)
	err := protocol.Errorf(protocol.CodeGoingAway, "the server has too much to do")
	if cause == RefusedAddress {
		err = protocol.Errorf(protocol.CodeRateLimited, "too many sessions from this address")
	}
	err.RetryMS = wait.Milliseconds() + 1
	return err
}

// visitor verifies the token of a request for the device in its path.
func (h *Hub) visitor(r *http.Request) (auth.Viewer, error) {
	token := tokenOf(r)
	if token == "" {
		return auth.Viewer{}, protocol.Errorf(protocol.CodeBadToken, "send a viewer token: Authorization: Bearer … or ?token=…")
	}
	return h.viewerOf(token, protocol.DeviceID(r.PathValue("device")), h.whep.askers, "too many requests with one token", time.Now())
}

// viewerOf verifies a token for one device, at the pace that one token may keep; tooMany is said over it.
func (h *Hub) viewerOf(
	token string, device protocol.DeviceID, pace *throttle.Table[string], tooMany string, now time.Time,
) (auth.Viewer, error) {
	viewer, err := h.config.Tokens.Verify(token, now)
	if err != nil {
		return auth.Viewer{}, err
	}
	if viewer.Device != device {
		return auth.Viewer{}, protocol.Errorf(protocol.CodeForbidden, "the token opens another camera")
	}
	if wait := pace.Take(tokenName(viewer), now); wait > 0 {
		err := protocol.Errorf(protocol.CodeRateLimited, "%s", tooMany)
		err.RetryMS = wait.Milliseconds() + 1
		return auth.Viewer{}, err
	}
	return viewer, nil
}

// play opens a session for an offer and returns it with the device's answer.
func (h *Hub) play(r *http.Request, text string) (*call, string, error) {
	viewer, err := h.visitor(r)
	if err != nil {
		return nil, "", err
	}
	offer, err := whep.ReadOffer(text)
	if err != nil {
		return nil, "", err
	}
	address := h.config.ClientAddress(r)
	return h.connect(r.Context(), callConfig{
		viewer: viewer, address: address, program: protocol.Client{Name: clip(r.UserAgent())},
		door: protocol.TransportWHEP, grant: h.fetchedBy(askKey(viewer, address)),
	}, offer, answerWait, candidateWait)
}

// connect opens a session and waits for the device's answer, and for its candidates within settle after that. Where it fails
// nothing is left.
func (h *Hub) connect(
	ctx context.Context, config callConfig, offer whep.Offer, wait, settle time.Duration,
) (c *call, answer string, err error) {
	if err := h.whep.reserve(tokenName(config.viewer)); err != nil {
		h.endGrant(config.grant)
		return nil, "", err
	}
	defer func() {
		if err != nil {
			h.whep.release(tokenName(config.viewer))
		}
	}()
	if c, err = h.newCall(ctx, config); err != nil {
		h.endGrant(config.grant)
		return nil, "", err
	}
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	if answer, err = c.ask(ctx, offer, settle); err != nil {
		reason := protocol.ReasonViewerLeft
		if errors.Is(err, &protocol.Error{Code: protocol.CodeTimeout}) {
			reason = protocol.ReasonTimeout
		}
		c.hangUp(context.WithoutCancel(ctx), reason)
		return nil, "", err
	}
	h.work.Go(func() {
		<-c.over
		h.whep.release(tokenName(config.viewer))
	})
	return c, answer, nil
}

func mediaType(r *http.Request) string {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return kind
}

// readBody reads a body of at most limit bytes.
func readBody(w http.ResponseWriter, r *http.Request, limit int64) (string, error) {
	controller := http.NewResponseController(w)
	_ = controller.SetReadDeadline(time.Now().Add(offerTime)) // what has none in tests needs none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	if err != nil {
		return "", bodyError(err, limit)
	}
	_ = controller.SetReadDeadline(time.Time{}) // it is for bodies
	return string(body), nil
}

// clip bounds what a program says of itself.
func clip(name string) string { return name[:min(len(name), protocol.MaxNameBytes)] }
