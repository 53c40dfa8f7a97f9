package signal

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/gorilla/websocket"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/internal/kvs"
	"github.com/sightline-rtc/sightline/protocol"
)

// The KVS door is for programs that speak the messages of Kinesis Video Streams' signaling: docs/protocol.md, "KVS format".
// Who comes is a guest of the hub, as a viewer or, with a device's bearer token, as a camera.

// ServeKVS is GET /v1/kvs/{device}, a WebSocket. The token says whether a viewer comes or the camera itself, which KVS calls
// the master.
func (h *Hub) ServeKVS(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	if !h.admitRequest(w, r) {
		return
	}
	if !h.enter() {
		h.refuseKVS(w, r, stoppingError)
		return
	}
	defer h.work.Done()
	if !websocket.IsWebSocketUpgrade(r) {
		h.refuseKVS(w, r, protocol.Errorf(protocol.CodeInvalid, "this is for WebSockets"))
		return
	}
	if !h.allowedOrigin(r) {
		h.refuseKVS(w, r, protocol.Errorf(protocol.CodeForbidden, "pages of this origin may not open links"))
		return
	}
	s := &kvsSocket{hub: h}
	ctx, leave := context.WithCancel(context.WithoutCancel(r.Context()))
	if err := s.welcome(ctx, r); err != nil {
		leave()
		h.refuseKVS(w, r, err)
		return
	}
	upgrader := websocket.Upgrader{HandshakeTimeout: h.config.HelloTimeout, WriteBufferPool: &writeBuffers, CheckOrigin: h.allowedOrigin}
	taken := &hijack{ResponseWriter: w}
	conn, err := upgrader.Upgrade(taken, r, http.Header{protocol.ServerHeader: {h.nodeName()}})
	if err != nil {
		h.config.Logger.Debug("upgrade refused", "err", err)
		s.guest.depart(socketEnded)
		leave()
		return // the upgrader has answered
	}
	s.socket = &webSocket{conn: conn, inlet: newInlet(conn.NetConn(), taken.reader), writeTimeout: h.config.WriteTimeout}
	h.work.Go(func() {
		defer leave()
		s.serve(ctx)
	})
}

// welcome lets the client of a request in.
func (s *kvsSocket) welcome(ctx context.Context, r *http.Request) (err error) {
	token, device := tokenOf(r), protocol.DeviceID(r.PathValue("device"))
	config := guestConfig{
		Address: s.hub.config.ClientAddress(r), Door: protocol.TransportKVS, Program: protocol.Client{Name: programOf(r)},
	}
	if auth.IsBearer(token) {
		if s.guest, err = s.hub.welcomeMaster(ctx, config, token, device); err != nil {
			return err
		}
		s.speaker = &kvsMaster{guest: s.guest, calls: map[protocol.SessionID]*kvsCall{}}
		return nil
	}
	if config.Viewer, err = s.hub.visitor(r); err != nil {
		return err
	}
	v := &kvsViewer{device: device, fetch: fetchKey(config.Viewer, r)}
	config.Stays = v.stays
	if v.guest, err = s.hub.welcomeGuest(ctx, config); err != nil {
		return err
	}
	s.guest, s.speaker = v.guest, v
	return nil
}

// programOf is what the client says of its software, cut to what a name may have.
func programOf(r *http.Request) string {
	name := strings.ToValidUTF8(r.UserAgent(), "")
	if len(name) > protocol.MaxNameBytes {
		name = strings.ToValidUTF8(name[:protocol.MaxNameBytes], "")
	}
	return name
}

// refuseKVS answers {"error":{…}} with the status that KVS has for it.
func (h *Hub) refuseKVS(w http.ResponseWriter, r *http.Request, err error) {
	why := protocol.AsError(err)
	status := kvs.HTTPStatus(why.Code)
	if status == http.StatusInternalServerError && r.Context().Err() == nil {
		h.config.Logger.Error("kvs request not served", "path", r.URL.Path, "err", err)
	} else {
		h.config.Logger.Info("kvs client refused", "address", h.config.ClientAddress(r).String(), "code", why.Code, "err", err)
	}
	if why.RetryMS > 0 {
		w.Header().Set("Retry-After", wholeSeconds(time.Duration(why.RetryMS)*time.Millisecond))
	}
	responseOf(status, struct {
		Error *protocol.Error `json:"error"`
	}{why}).write(w)
}
