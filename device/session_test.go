package device

import (
	"slices"
	"testing"
	"time"

	"github.com/pion/webrtc/v4"

	"github.com/sightline-rtc/sightline/protocol"
)

func TestViewerSeesThePictureAndIsToldThePath(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	v, session := newViewer(t), newSession()
	w.opens(session, v)
	w.send(protocol.TypeCandidate, session, &protocol.Candidate{Revision: 1, Candidate: within(t, "a candidate", v.candidates), Mid: "0"})
	for {
		e, body := w.read()
		if e.Session != session && e.Type != protocol.TypeAck {
			t.Errorf("the device sent %s about %q", e.Type, e.Session)
		}
		if path, ok := body.(*protocol.Path); ok {
			if path.Kind != protocol.PathDirect {
				t.Errorf("the path is %+v, want a direct one", path)
			}
			break
		}
	}
	within(t, "a packet", v.packets)
	told := w.told()
	for range 20 { // more than can have been on their way
		within(t, "another packet", v.packets)
	}
	w.send(protocol.TypeClosed, session, &protocol.Closed{Reason: protocol.ReasonClosedByAPI})
	if last := w.told(); last.Bytes <= told.Bytes {
		t.Errorf("at the end the device tells of %d bytes after %d", last.Bytes, told.Bytes)
	}
	w.send(protocol.TypeDescribe, session, &protocol.Describe{Revision: 2, Kind: protocol.DescribeOffer, SDP: "v=0"})
	for range 2 { // what the hub has ended is not answered, nor told again
		w.conn.Close()
		w = h.welcomes()
		if sync := w.synced(); len(sync) != 0 {
			t.Errorf("the device still has %v", sync)
		}
	}
}

// told reads until a report that media flows.
func (w *wire) told() protocol.Stats {
	w.t.Helper()
	for {
		if _, body := w.read(); body != nil {
			if stats, ok := body.(*protocol.Stats); ok && stats.Media {
				return *stats
			}
		}
	}
}

// synced reads the state repair after a welcome.
func (w *wire) synced() map[protocol.SessionID]*protocol.Sync {
	w.t.Helper()
	all := map[protocol.SessionID]*protocol.Sync{}
	for {
		e, body := w.until(protocol.TypeSync)
		sync, ok := body.(*protocol.Sync)
		switch {
		case !ok:
			w.t.Fatalf("the sync is %+v", body)
		case e.Session != "":
			all[e.Session] = sync
		}
		if sync.Last {
			return all
		}
	}
}

func TestOneViewerTooManyIsRefusedAsBusy(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	c.Cameras[0].MaxSessions = 1
	run(t, c)
	w := h.lives()
	if w.hello.MaxSessions != 1 {
		t.Errorf("the hello says %d viewers", w.hello.MaxSessions)
	}
	first, second := newSession(), newSession()
	w.opens(first, newViewer(t))
	if got := w.refused(second, invitation(newViewer(t).offer(1))); got != protocol.CodeBusy {
		t.Errorf("the second viewer got %q, want busy", got)
	}
	w.send(protocol.TypeClosed, first, &protocol.Closed{Reason: protocol.ReasonViewerLeft})
	w.opens(second, newViewer(t))
}

// refused invites the device and returns the code of its refusal.
func (w *wire) refused(session protocol.SessionID, invite *protocol.Invite) protocol.Code {
	w.t.Helper()
	id := w.ask(protocol.TypeInvite, session, invite)
	e, body := w.until(protocol.TypeError)
	refusal, ok := body.(*protocol.Error)
	if !ok || e.Re != id || e.Session != session {
		w.t.Fatalf("got %+v with %v, want a refusal of %d", body, e, id)
	}
	return refusal.Code
}

func TestViewerThatCannotDecodeIsToldSo(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	vp8 := webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: webrtc.MimeTypeVP8, ClockRate: 90000}, PayloadType: 96,
	}
	offer := newViewer(t, vp8).offer(1)
	if got := w.refused(newSession(), invitation(offer)); got != protocol.CodeCodec {
		t.Errorf("with the offer in the invite the device said %q, want codec", got)
	}
	if got := w.refused(newSession(), invitation(&protocol.Offer{Revision: 1, SDP: "garbage"})); got != protocol.CodeBadMessage {
		t.Errorf("a garbled offer got %q, want bad_message", got)
	}

	session := newSession()
	id := w.ask(protocol.TypeInvite, session, invitation(nil))
	if e, _ := w.until(protocol.TypeReply); e.Re != id {
		t.Errorf("the reply is to %d, want %d", e.Re, id)
	}
	w.send(protocol.TypeDescribe, session, &protocol.Describe{Revision: 1, Kind: protocol.DescribeOffer, SDP: offer.SDP})
	w.closed(session, protocol.ReasonCodec)
	w.conn.Close()
	w = h.welcomes()
	w.closed(session, protocol.ReasonCodec) // which the hub did not acknowledge
	if sync := w.synced(); len(sync) != 0 {
		t.Errorf("the device still has %v", sync)
	}
}

func (w *wire) closed(session protocol.SessionID, reason protocol.Reason) {
	w.t.Helper()
	e, body := w.until(protocol.TypeClose)
	if end, ok := body.(*protocol.Close); !ok || e.Session != session || end.Reason != reason {
		w.t.Errorf("the device closed %s for %+v, want %s for %s", e.Session, body, session, reason)
	}
}

func TestSessionInvitedAgainIsAnotherOne(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	c.Cameras[0].MaxSessions = 1
	run(t, c)
	w := h.lives()
	session := newSession()
	w.opens(session, newViewer(t))
	for range 3 {
		v := newViewer(t)
		w.opens(session, v)
		w.send(protocol.TypeCandidate, session, &protocol.Candidate{Revision: 1, Candidate: within(t, "a candidate", v.candidates), Mid: "0"})
		within(t, "a packet", v.packets)
	}
	w.conn.Close()
	w = h.welcomes()
	if sync := w.synced(); len(sync) != 1 || sync[session] == nil || !sync[session].ICEConnected {
		t.Errorf("the device has %v, want one session that is connected", sync)
	}
}

func TestSessionOutlivesItsLink(t *testing.T) {
	h := newHub(t)
	run(t, settings(t, h))
	w := h.lives()
	v, session := newViewer(t), newSession()
	w.opens(session, v)
	w.send(protocol.TypeCandidate, session, &protocol.Candidate{Revision: 1, Candidate: within(t, "a candidate", v.candidates), Mid: "0"})
	within(t, "a packet", v.packets)
	for range 2 {
		w.conn.Close()
		w = h.welcomes()
		sync := w.synced()
		state := sync[session]
		if len(sync) != 1 || state == nil {
			t.Fatalf("the device has %v, want the session", sync)
		}
		if state.Revision != 1 || state.Description == nil || state.Description.Kind != protocol.DescribeAnswer || state.Answer {
			t.Errorf("the state is %+v, want the answer of revision 1", state)
		}
		within(t, "a packet", v.packets)
	}

	// The viewer's end, repaired in its turn, is answered with this one's; an answer is not.
	w.send(protocol.TypeSync, session, &protocol.Sync{Revision: 1, Answer: true})
	w.send(protocol.TypeSync, session, &protocol.Sync{Revision: 1})
	if _, body := w.until(protocol.TypeSync); !body.(*protocol.Sync).Answer {
		t.Errorf("the device said %+v, want an answer", body)
	}

	// A newer offer that was lost with the link comes in the repair.
	restart := v.offer(2)
	w.send(protocol.TypeSync, session, &protocol.Sync{
		Revision: 2, Answer: true, Description: &protocol.Describe{Revision: 2, Kind: protocol.DescribeOffer, SDP: restart.SDP},
	})
	if _, body := w.until(protocol.TypeDescribe); body.(*protocol.Describe).Revision != 2 {
		t.Errorf("the device described %+v, want revision 2", body)
	}
}

func TestLeaseIsInTheHubsTime(t *testing.T) {
	for _, skew := range []time.Duration{-time.Hour, time.Hour} {
		t.Run(skew.String(), func(t *testing.T) {
			h := newHub(t)
			run(t, settings(t, h))
			w := h.hears()
			w.send(protocol.TypeWelcome, "", &protocol.Welcome{Link: "l", Key: "k", PingS: 20, Now: time.Now().Add(skew)})
			w.until(protocol.TypeSync)
			session := newSession()
			invite := invitation(newViewer(t).offer(1))
			invite.Policy.Expires = time.Now().Add(skew + 30*time.Minute)
			w.ask(protocol.TypeInvite, session, invite)
			got := []protocol.Type{w.next().Type, w.next().Type}
			slices.Sort(got)
			if want := []protocol.Type{protocol.TypeDescribe, protocol.TypeReply}; !slices.Equal(got, want) {
				t.Fatalf("the device sent %v, want %v: the lease has half an hour left", got, want)
			}
			policy := invite.Policy
			policy.Expires = time.Now().Add(skew)
			w.send(protocol.TypePolicy, session, &policy)
			w.closed(session, protocol.ReasonExpired)
		})
	}
}

// next reads the next message that is not chatter.
func (w *wire) next() protocol.Envelope {
	w.t.Helper()
	for {
		if e, _ := w.read(); !slices.Contains(chatter, e.Type) {
			return e
		}
	}
}

func TestInviteWhoseLeaseIsOverLeavesNothing(t *testing.T) {
	h := newHub(t)
	c := settings(t, h)
	c.Cameras[0].MaxSessions = 1
	run(t, c)
	w := h.lives()
	for range 5 {
		invite := invitation(nil)
		invite.Policy.Expires = time.Now().Add(-time.Minute)
		session := newSession()
		w.ask(protocol.TypeInvite, session, invite)
		var closed bool
		for replied := false; !closed || !replied; {
			switch e := w.next(); {
			case e.Type == protocol.TypeReply:
				replied = true
			case e.Type == protocol.TypeClose && e.Session == session:
				closed = true
			default:
				t.Fatalf("the device sent %s %s", e.Type, e.Data)
			}
		}
	}
	w.opens(newSession(), newViewer(t))
}

func TestEndOfTheAgentEndsItsSessions(t *testing.T) {
	h := newHub(t)
	r := run(t, settings(t, h))
	w := h.lives()
	v := newViewer(t)
	session := newSession()
	w.opens(session, v)
	w.send(protocol.TypeCandidate, session, &protocol.Candidate{Revision: 1, Candidate: within(t, "a candidate", v.candidates), Mid: "0"})
	within(t, "a packet", v.packets)
	closed := make(chan struct{}, 8)
	v.pc.OnConnectionStateChange(func(state webrtc.PeerConnectionState) {
		if state == webrtc.PeerConnectionStateClosed {
			closed <- struct{}{}
		}
	})
	r.stop()
	reported := false
	for e, body := w.read(); e.Type != protocol.TypeBye; e, body = w.read() {
		stats, ok := body.(*protocol.Stats)
		reported = reported || ok && e.Session == session && stats.Last
	}
	if !reported {
		t.Error("the device left without a last report of its session")
	}
	w.conn.Close()
	if err := r.ended(); err != nil {
		t.Errorf("the agent ended with %v", err)
	}
	within(t, "the end of the viewer's connection", closed)
}
