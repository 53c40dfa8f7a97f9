//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

// leaveTimeout is how long a viewer that leaves waits for the other end.
const leaveTimeout = 2 * time.Second

// hubPlay is a viewer's session through a Sightline server, on a link of its own.
type hubPlay struct {
	url    string
	device protocol.DeviceID
	token  string

	link    *endpoint // nil before exchange
	session protocol.SessionID
	work    sync.WaitGroup
	over    chan error
}

// prepare implements signaling: the page opens the control channel too, and the camera keeps it.
func (h *hubPlay) prepare(pc *webrtc.PeerConnection) error {
	_, err := pc.CreateDataChannel(protocol.ControlLabel, nil)
	return err
}

// exchange implements signaling.
func (h *hubPlay) exchange(ctx context.Context, offer string, candidate func(webrtc.ICECandidateInit)) (string, error) {
	link, err := dial(ctx, h.url, netip.Addr{}, func() ([]byte, error) { return introduce(protocol.RoleViewer, h.token) })
	if err != nil {
		return "", err
	}
	h.link, h.session, h.over = link, newSessionID(), make(chan error, 1)
	answers := make(chan string, 1)
	h.work.Go(func() {
		h.fail(h.link.run(func(e protocol.Envelope, body protocol.Message) { h.handle(e, body, answers, candidate) }))
	})
	err = link.send(protocol.Must(protocol.TypeOpen, h.session, &protocol.Open{
		Device: h.device, Owner: secret(), Media: protocol.Media{Video: true, Audio: true},
		Offer: &protocol.Offer{Revision: 1, SDP: offer},
	}))
	if err != nil {
		return "", err
	}
	select {
	case answer := <-answers:
		return answer, nil
	case err := <-h.over:
		return "", err
	case <-ctx.Done():
		return "", fmt.Errorf("wait for the answer: %w", context.Cause(ctx))
	}
}

func (h *hubPlay) handle(e protocol.Envelope, body protocol.Message, answers chan<- string, candidate func(webrtc.ICECandidateInit)) {
	if e.Type != protocol.TypeError && e.Session != h.session {
		return
	}
	switch m := body.(type) {
	case *protocol.Error:
		h.fail(m)
	case *protocol.Closed:
		h.fail(fmt.Errorf("the session was closed: %s", m.Reason))
	case *protocol.Describe:
		if m.Kind == protocol.DescribeAnswer {
			select {
			case answers <- m.SDP:
			default: // the answer to the one offer again, after a change of doors
			}
		}
	case *protocol.Candidate:
		line := uint16(max(m.MLine, 0)) //nolint:gosec // an m-line's number is small
		candidate(webrtc.ICECandidateInit{Candidate: m.Candidate, SDPMid: &m.Mid, SDPMLineIndex: &line})
	}
}

// fail notes the first reason of the end.
func (h *hubPlay) fail(err error) {
	select {
	case h.over <- err:
	default:
	}
}

// failed implements signaling.
func (h *hubPlay) failed() <-chan error { return h.over }

// end implements signaling.
func (h *hubPlay) end() {
	if h.link == nil {
		return
	}
	_ = h.link.send(protocol.Must(protocol.TypeClose, h.session, &protocol.Close{Reason: protocol.ReasonViewerLeft}))
	h.link.close()
	h.work.Wait()
}

// whepPlay plays a WHEP endpoint (draft-ietf-wish-whep section 4).
type whepPlay struct {
	url string
	// resource is what the endpoint made of the offer; empty when it does not say.
	resource string
}

// maxAnswer bounds the answer that is read.
const maxAnswer = 1 << 20

// prepare implements signaling.
func (w *whepPlay) prepare(*webrtc.PeerConnection) error { return nil }

// exchange implements signaling.
func (w *whepPlay) exchange(ctx context.Context, offer string, _ func(webrtc.ICECandidateInit)) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, w.url, strings.NewReader(offer))
	if err != nil {
		return "", err
	}
	request.Header.Set("Content-Type", "application/sdp")
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusCreated && response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s answers %s: %.200s", w.url, response.Status, answer)
	}
	if at, err := response.Location(); err == nil {
		w.resource = at.String()
	}
	if len(answer) == 0 {
		return "", errors.New("the answer is empty")
	}
	return string(answer), nil
}

// failed implements signaling.
func (w *whepPlay) failed() <-chan error { return nil }

// end implements signaling.
func (w *whepPlay) end() {
	if w.resource == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), leaveTimeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodDelete, w.resource, http.NoBody)
	if err != nil {
		return
	}
	if response, err := http.DefaultClient.Do(request); err == nil {
		_ = response.Body.Close()
	}
}
