//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// candidatesEachWay fit into the burst that a session allows.
	candidatesEachWay = protocol.CandidatesPerSecond
	// opensPerSecond is a little less than what the hub lets a viewer ask for, and openBurst is that burst
	// (docs/protocol.md).
	opensPerSecond, openBurst = 1.9, 20
	// sessionTimeout bounds one session.
	sessionTimeout = 30 * time.Second
	// messagesPerSession are those that the hub takes in: open, reply, answer, candidates of both ends, close.
	messagesPerSession = 4 + 2*candidatesEachWay
)

// sdp stands for a description of the size that a browser writes for one video and one audio track.
var sdp = "v=0\r\n" + letters(4<<10)

func letters(n int) string {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'a' + byte(i%26)
	}
	return string(b)
}

// pair is a viewer and a device that open one session after the other.
type pair struct {
	viewer, device *endpoint
	camera         protocol.DeviceID
	limit          *rate.Limiter
	// came gets what the pair's own goroutines saw; it has room for all of a session.
	came chan event
}

// event is a message that one end got.
type event struct {
	role protocol.Role
	kind protocol.Type
	at   time.Time
	err  error
}

func newPair(viewer, device *endpoint, camera protocol.DeviceID) *pair {
	return &pair{
		viewer: viewer, device: device, camera: camera, limit: rate.NewLimiter(opensPerSecond, openBurst),
		came: make(chan event, 2*messagesPerSession),
	}
}

// serve reads both links until the context ends. The device answers each invite at once.
func (p *pair) serve(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		stop := context.AfterFunc(ctx, p.viewer.close)
		defer stop()
		return p.viewer.run(func(e protocol.Envelope, body protocol.Message) { p.note(ctx, protocol.RoleViewer, e, body) })
	})
	group.Go(func() error {
		stop := context.AfterFunc(ctx, p.device.close)
		defer stop()
		return p.device.run(func(e protocol.Envelope, body protocol.Message) {
			if e.Type == protocol.TypeInvite {
				p.answer(e)
			}
			p.note(ctx, protocol.RoleDevice, e, body)
		})
	})
	return group.Wait()
}

func (p *pair) note(ctx context.Context, role protocol.Role, e protocol.Envelope, body protocol.Message) {
	refusal, _ := body.(*protocol.Error)
	seen := event{role: role, kind: e.Type, at: time.Now()}
	if refusal != nil {
		seen.err = refusal
	}
	select {
	case p.came <- seen:
	case <-ctx.Done():
	}
}

// answer is what a device says to an invite: yes, and with what. A link that fails shows in its reader.
func (p *pair) answer(invite protocol.Envelope) {
	reply := protocol.Must(protocol.TypeReply, invite.Session, &protocol.Reply{})
	reply.Re = invite.ID
	_ = p.device.send(reply)
	_ = p.device.send(protocol.Must(protocol.TypeDescribe, invite.Session, &protocol.Describe{
		Revision: 1, Kind: protocol.DescribeAnswer, SDP: sdp,
	}))
	_ = p.device.send(candidates(invite.Session)...)
}

func candidates(session protocol.SessionID) []protocol.Envelope {
	list := make([]protocol.Envelope, candidatesEachWay)
	for i := range list {
		list[i] = protocol.Must(protocol.TypeCandidate, session, &protocol.Candidate{
			Revision: 1, Mid: "0", Ufrag: "benc",
			Candidate: fmt.Sprintf("candidate:%d 1 udp 2122260223 192.0.2.%d 40000 typ host", i, i+1),
		})
	}
	return list
}

// session runs one session from open to closed and returns the time from the open to the answer.
func (p *pair) session(ctx context.Context) (time.Duration, error) {
	if err := p.limit.Wait(ctx); err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeoutCause(ctx, sessionTimeout, errors.New("a session takes too long"))
	defer cancel()
	id, owner := newSessionID(), secret()
	start := time.Now()
	open := protocol.Must(protocol.TypeOpen, id, &protocol.Open{
		Device: p.camera, Owner: owner, Media: protocol.Media{Video: true}, Offer: &protocol.Offer{Revision: 1, SDP: sdp},
	})
	if err := p.viewer.send(append([]protocol.Envelope{open}, candidates(id)...)...); err != nil {
		return 0, err
	}
	answered, err := p.exchange(ctx)
	if err != nil {
		return 0, err
	}
	end := protocol.Must(protocol.TypeClose, id, &protocol.Close{Reason: protocol.ReasonViewerLeft})
	if err := p.viewer.send(end); err != nil {
		return 0, err
	}
	for range 2 {
		if _, err := p.next(ctx, protocol.TypeClosed); err != nil {
			return 0, err
		}
	}
	return answered.Sub(start), nil
}

// exchange waits until both ends have all of the other's candidates and the viewer the answer.
func (p *pair) exchange(ctx context.Context) (answered time.Time, err error) {
	for left := 2*candidatesEachWay + 1; left > 0; left-- {
		e, err := p.next(ctx, protocol.TypeCandidate, protocol.TypeDescribe)
		if err != nil {
			return answered, err
		}
		if e.kind == protocol.TypeDescribe {
			answered = e.at
		}
	}
	return answered, nil
}

// next skips events until one is of a wanted kind.
func (p *pair) next(ctx context.Context, kinds ...protocol.Type) (event, error) {
	for {
		select {
		case e := <-p.came:
			if e.err != nil {
				return e, fmt.Errorf("%s: %w", e.role, e.err)
			}
			for _, kind := range kinds {
				if e.kind == kind {
					return e, nil
				}
			}
		case <-ctx.Done():
			return event{}, context.Cause(ctx)
		}
	}
}

func secret() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}

// newSessionID makes a UUIDv7 (RFC 9562 section 5.7) whose time, which nobody reads, is random too.
func newSessionID() protocol.SessionID {
	s := secret()
	return protocol.SessionID(s[:8] + "-" + s[8:12] + "-7" + s[13:16] + "-8" + s[17:20] + "-" + s[20:])
}
