package signal

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/internal/throttle"
	"github.com/sightline-rtc/sightline/protocol"
)

// maxRefusalBytes is more than an error has.
const maxRefusalBytes = 4 << 10

// uploadTime bounds how long a picture may take to come in: 1 MiB at 1 Mbit/s.
const uploadTime = captureLife

// posterPace is how often a viewer's token may ask for pictures: a page asks when it is loaded and while it waits. The
// answers in between come from its browser.
var posterPace = throttle.Pace{Rate: 1, Burst: 10, Longest: time.Minute}

// maxPosterTokens bounds how many tokens' paces are remembered, in about 2 MB.
const maxPosterTokens = 10_000

// snapshotStatuses are the HTTP statuses of what asking for a picture, or bringing one, can meet. All others are 500.
var snapshotStatuses = map[protocol.Code]int{
	protocol.CodeBadMessage:  http.StatusBadRequest,
	protocol.CodeInvalid:     http.StatusUnsupportedMediaType,
	protocol.CodeTooLarge:    http.StatusRequestEntityTooLarge,
	protocol.CodeBadToken:    http.StatusUnauthorized,
	protocol.CodeExpired:     http.StatusUnauthorized,
	protocol.CodeUnknownLink: http.StatusUnauthorized,
	protocol.CodeRevoked:     http.StatusForbidden,
	protocol.CodeForbidden:   http.StatusForbidden,
	protocol.CodeNotFound:    http.StatusNotFound,
	protocol.CodeRateLimited: http.StatusTooManyRequests,
	protocol.CodeOffline:     http.StatusServiceUnavailable,
	protocol.CodeGoingAway:   http.StatusServiceUnavailable,
	protocol.CodeBusy:        http.StatusServiceUnavailable,
	protocol.CodeTimeout:     http.StatusGatewayTimeout,
}

// ServeSnapshot is GET /v1/link/snapshot/{device}: a viewer's token is given the newest picture of its camera.
func (h *Hub) ServeSnapshot(w http.ResponseWriter, r *http.Request) {
	if !h.enterDoor(w, r, http.MethodGet) {
		return
	}
	if !h.enter() {
		h.refuseSnapshot(w, r, stoppingError)
		return
	}
	defer h.work.Done()
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		h.refuseSnapshot(w, r, protocol.Errorf(protocol.CodeBadToken, "send a viewer token: Authorization: Bearer …"))
		return
	}
	jpeg, at, err := h.picture(r.Context(), strings.TrimSpace(token), protocol.DeviceID(r.PathValue("device")))
	if err != nil {
		h.refuseSnapshot(w, r, err)
		return
	}
	header := w.Header()
	header.Add("Vary", "Authorization")
	header.Set("Cache-Control", "private, max-age="+strconv.Itoa(int(protocol.SnapshotAge/time.Second)))
	header.Set("Age", strconv.Itoa(int(time.Since(at)/time.Second)))
	header.Set("Content-Type", "image/jpeg")
	header.Set("Content-Length", strconv.Itoa(len(jpeg)))
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; sandbox") // to whoever opens it as a page
	_, _ = w.Write(jpeg)                                                 // a viewer that has gone asks again
}

// ServeCapture is PUT /v1/link/snapshot?request=…: a device brings the picture that it was asked for, or says why there is
// none.
func (h *Hub) ServeCapture(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	device, project, err := h.deviceOf(r.Header.Get("Authorization"))
	if err != nil {
		h.refuseSnapshot(w, r, err)
		return
	}
	c, err := h.album.claim(r.URL.Query().Get("request"), device, project)
	if err != nil {
		h.refuseSnapshot(w, r, err)
		return
	}
	answer, err := developed(w, r, device)
	h.album.settle(c, answer)
	if err != nil {
		h.refuseSnapshot(w, r, err)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// developed reads the body of a capture's answer.
func developed(w http.ResponseWriter, r *http.Request, device protocol.DeviceID) (*photo, error) {
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	limit := int64(protocol.MaxSnapshotBytes)
	switch kind {
	case "image/jpeg":
	case "application/json":
		limit = maxRefusalBytes
	default:
		return nil, protocol.Errorf(protocol.CodeInvalid, "a picture is image/jpeg, its absence application/json")
	}
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime)) // what has none in tests needs none
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, limit))
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, protocol.Errorf(protocol.CodeTooLarge, "a picture has at most %d bytes", limit)
	case err != nil:
		return nil, protocol.Errorf(protocol.CodeBadMessage, "the body did not come").Because(err)
	}
	now := time.Now()
	if kind == "application/json" {
		return refusedPhoto(body, device, now)
	}
	if !bytes.HasPrefix(body, []byte{0xff, 0xd8, 0xff}) { // SOI and the next marker, ITU-T T.81 table B.1
		return nil, protocol.Errorf(protocol.CodeInvalid, "the picture is no JPEG")
	}
	return &photo{device: device, jpeg: body, at: now}, nil
}

// refusedPhoto is what a device says why it has no picture. Viewers are told no codes but these two.
func refusedPhoto(body []byte, device protocol.DeviceID, now time.Time) (*photo, error) {
	var said protocol.Error
	if err := json.Unmarshal(body, &said); err != nil || said.Code == "" {
		return nil, protocol.Errorf(protocol.CodeBadMessage, "the body is no error")
	}
	why := protocol.Errorf(protocol.CodeBusy, "the camera has no picture at the moment")
	if said.Code == protocol.CodeNotFound {
		why = protocol.Errorf(protocol.CodeNotFound, "the camera makes no still pictures")
	}
	return &photo{device: device, err: why, at: now}, nil
}

// refuseSnapshot answers {"error":{…}}.
func (h *Hub) refuseSnapshot(w http.ResponseWriter, r *http.Request, err error) {
	why := protocol.AsError(err)
	status, ok := snapshotStatuses[why.Code]
	if !ok {
		status = http.StatusInternalServerError
		if r.Context().Err() == nil {
			h.config.Logger.Error("snapshot not served", "path", r.URL.Path, "err", err)
		}
	}
	if why.RetryMS > 0 {
		w.Header().Set("Retry-After", wholeSeconds(time.Duration(why.RetryMS)*time.Millisecond))
	}
	responseOf(status, struct {
		Error *protocol.Error `json:"error"`
	}{why}).write(w)
}
