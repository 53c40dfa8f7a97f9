package peer

import (
	"context"
	"slices"
	"time"

	"golang.org/x/time/rate"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	// moveTime bounds one request to the camera to move, stillTime one for a snapshot.
	moveTime  = 5 * time.Second
	stillTime = 10 * time.Second
)

// handle does what a request asks for.
func (c *console) handle(ctx context.Context, request protocol.Control, body protocol.Message) {
	if err := c.peer.mayAsk(request.Type); err != nil {
		c.reply(request.ID, err)
		return
	}
	switch body := body.(type) {
	case *protocol.PTZ:
		c.move(ctx, request.ID, *body)
		return
	case *protocol.Talk:
		c.talk(ctx, request.ID, body.On)
		return
	case *protocol.View:
		c.peer.SetView(*body)
		c.reply(request.ID, nil)
		return
	case *protocol.Choice:
		c.reply(request.ID, c.peer.Choose(*body))
		return
	}
	switch request.Type {
	case protocol.ControlKeyframe:
		c.peer.RequestKeyframe()
		c.reply(request.ID, nil)
	case protocol.ControlSnapshot:
		c.snapshot(ctx, request.ID)
	default:
		c.reply(request.ID, protocol.Errorf(protocol.CodeNotFound, "the camera does not do that"))
	}
}

// mayAsk checks the viewer's right to a request.
func (p *Peer) mayAsk(t protocol.ControlType) error {
	right := protocol.RightView
	switch t {
	case protocol.ControlPTZ:
		right = protocol.RightControl
	case protocol.ControlTalk:
		right = protocol.RightTalk
	case protocol.ControlStatus, protocol.ControlOK, protocol.ControlError:
		return protocol.Errorf(protocol.CodeBadMessage, "%s is not for viewers to send", t)
	}
	if !slices.Contains(p.opt.Grants, right) {
		return protocol.Errorf(protocol.CodeForbidden, "the viewer lacks the right %s", right)
	}
	return nil
}

// camera returns how the camera is and what it can do for this viewer.
func (p *Peer) camera() protocol.Camera {
	c := p.controls.Status()
	c.PTZ = c.PTZ && slices.Contains(p.opt.Grants, protocol.RightControl)
	c.Snapshot = c.Snapshot && slices.Contains(p.opt.Grants, protocol.RightView)
	c.Talk = c.Talk && p.listener() != nil
	picture := p.Picture()
	all := c.Renditions
	c.Renditions = make([]protocol.Rendition, 0, len(all))
	for _, r := range all {
		if slices.Contains(picture.Renditions, r.Name) {
			c.Renditions = append(c.Renditions, r)
		}
	}
	c.Rendition, c.Auto = picture.Rendition, picture.Auto
	c.Notes = append(slices.Clone(c.Notes), p.leftOut()...)
	if !c.Talk && c.Source == protocol.SourceUp && slices.Contains(p.opt.Grants, protocol.RightTalk) {
		c.Notes = append(c.Notes, protocol.Note{Code: protocol.NoteNoBackChannel, Message: "the camera has no way to be talked to"})
	}
	return c
}

func (c *console) move(ctx context.Context, id uint64, m protocol.PTZ) {
	p := c.peer
	first := c.moves.put(id, func() error {
		ctx, cancel := context.WithTimeout(ctx, moveTime)
		defer cancel()
		return p.controls.Move(ctx, p.opt.Session, m)
	})
	if first {
		c.work.Go(func() { c.moves.run(c.reply) })
	}
}

// talk lets the viewer be heard, or ends that.
func (c *console) talk(ctx context.Context, id uint64, on bool) {
	first := c.talks.put(id, func() error {
		e := c.peer.listener()
		switch {
		case e == nil:
			return errNoTalk
		case !on:
			e.end()
			return nil
		case e.talking():
			return nil
		}
		if err := e.begin(ctx, c.peer.controls.Talk); err != nil {
			return err
		}
		c.work.Go(func() { e.watch(ctx) })
		return nil
	})
	if first {
		c.work.Go(func() { c.talks.run(c.reply) })
	}
}

// snapshot answers with a still picture, one at a time. Without an ID nobody could tell the answer.
func (c *console) snapshot(ctx context.Context, id uint64) {
	switch {
	case id == 0:
		return
	case c.peer.meter.held.Load():
		c.reply(id, protocol.Errorf(protocol.CodeForbidden, "nothing is sent over this path"))
		return
	case !c.out.reserve():
		c.reply(id, protocol.Errorf(protocol.CodeBusy, "a snapshot is on its way"))
		return
	}
	c.work.Go(func() {
		still, err := c.still(ctx)
		if err != nil {
			c.out.release()
			c.reply(id, err)
			return
		}
		c.out.fill(encode(protocol.ControlOK, id, &protocol.Still{MediaType: "image/jpeg", Bytes: len(still)}), still)
	})
}

func (c *console) still(ctx context.Context) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, stillTime)
	defer cancel()
	still, err := c.peer.controls.Snapshot(ctx)
	switch {
	case err != nil:
		return nil, err
	case len(still) == 0:
		return nil, errNoSnapshot
	case len(still) > protocol.MaxSnapshotBytes:
		return nil, protocol.Errorf(protocol.CodeTooLarge, "the camera's snapshot has %d bytes", len(still))
	}
	return still, nil
}

// stillPace bounds snapshots in bytes a second, by the bound of the relay path where that is taken.
func (p *Peer) stillPace() rate.Limit {
	p.mu.Lock()
	defer p.mu.Unlock()
	bytes := stillRate
	if limit := p.relayLimit(); limit > 0 && p.path != nil && p.path.Kind == protocol.PathRelay {
		bytes = min(bytes, limit/8)
	}
	return rate.Limit(bytes)
}
