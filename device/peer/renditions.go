package peer

import (
	"context"
	"fmt"
	"slices"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// unknownFormat is answered for a camera of which no picture has come: H.264 High, which most cameras send. A viewer that
// decodes it decodes Main and Baseline too, and the ladder has Constrained Baseline, which every browser offers (RFC 7742
// section 6.2), for others.
var unknownFormat = media.Format{Codec: media.CodecH264, Profile: media.ProfileLevelID{0x64, 0x00, 0x1f}}

// choose picks what is sent, by the rights and wishes of the viewer, what it can decode and what the camera has.
func (p *Peer) choose(ctx context.Context, o *offer) (chosen formatsChosen, err error) {
	picture := p.opt.Media.Video && slices.Contains(p.opt.Grants, protocol.RightView)
	sound := p.opt.Media.Audio && slices.Contains(p.opt.Grants, protocol.RightAudio)
	if !picture && !sound {
		return chosen, protocol.Errorf(protocol.CodeForbidden, "the viewer asks for nothing that it may have")
	}
	offered := o.offered()
	renditions, err := p.formats(ctx, func(best media.Format) bool {
		_, err := media.Choose([]media.Format{best}, offered)
		return err == nil || !picture
	})
	if err != nil {
		return chosen, err
	}
	if picture {
		if chosen.agreed, err = media.Choose(renditions, offered); err != nil {
			return chosen, err
		}
		chosen.video = o.chooseVideo(chosen.agreed)
	}
	if format, ok := p.audible(); ok && sound {
		if codec, ok := o.chooseAudio(format); ok {
			chosen.audio, chosen.sound = &codec, format
		}
	}
	if len(chosen.video) == 0 && chosen.audio == nil {
		return chosen, protocol.Errorf(protocol.CodeCodec, "the camera has no sound that the viewer can play")
	}
	return chosen, nil
}

// formats waits for what the camera's pictures are, within the bound of the configuration: for all renditions, or just for the
// best if that is good enough. One whose source is away is not waited for. A rendition without pictures has no codec in the
// list; without any at all it is unknownFormat.
func (p *Peer) formats(ctx context.Context, enough func(best media.Format) bool) ([]media.Format, error) {
	waiting, cancel := context.WithTimeout(ctx, p.host.cfg.FormatTimeout)
	defer cancel()
	news := make(chan struct{}, 1)
	forget := p.onFormat(func() {
		select {
		case news <- struct{}{}:
		default:
		}
	})
	defer forget()
	for {
		known, missing := p.known()
		if !p.awaited() || known[0].Codec != "" && enough(known[0]) {
			return orUnknown(known, missing), nil
		}
		select {
		case <-news:
			continue
		case <-waiting.Done():
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("answer: %w", ctx.Err())
		}
		return orUnknown(known, missing), nil
	}
}

// orUnknown is the list of formats unless all are missing.
func orUnknown(known []media.Format, missing int) []media.Format {
	if missing == len(known) {
		return []media.Format{unknownFormat}
	}
	return known
}

// awaited reports whether a rendition has brought no picture yet and may at any moment.
func (p *Peer) awaited() bool {
	for _, r := range p.opt.Camera.Renditions {
		if _, known := r.Stream.LastFormat(); !known && !r.Stream.Absent() {
			return true
		}
	}
	return false
}

// known lists the formats of all renditions, and how many of them have brought no picture yet.
func (p *Peer) known() (formats []media.Format, missing int) {
	for _, r := range p.opt.Camera.Renditions {
		f, ok := r.Stream.LastFormat()
		if !ok {
			missing++
		}
		formats = append(formats, f)
	}
	return formats, missing
}

// audible returns the sound of the best rendition that has any.
func (p *Peer) audible() (media.AudioFormat, bool) {
	for _, r := range p.opt.Camera.Renditions {
		if format, ok := r.Stream.Audio(); ok {
			return format, true
		}
	}
	return media.AudioFormat{}, false
}

// usable lists the renditions that the viewer can have, the best first: those that the agreement covers. While none has
// brought a picture all may be. It needs mu.
func (p *Peer) usable() []protocol.RenditionName {
	formats, missing := p.known()
	var names []protocol.RenditionName
	for i, r := range p.opt.Camera.Renditions {
		if missing == len(formats) || p.agreed.Codec == "" || p.agreed.Covers(formats[i]) {
			names = append(names, r.Name)
		}
	}
	return names
}

// present lists those of the usable renditions whose source is not away, or all when that is so of each. It needs mu.
func (p *Peer) present() []protocol.RenditionName {
	all := p.usable()
	var names []protocol.RenditionName
	for _, name := range all {
		if r, ok := p.opt.Camera.Find(name); ok && !r.Stream.Absent() {
			names = append(names, name)
		}
	}
	if len(names) == 0 {
		return all
	}
	return names
}

// leftOut tells of the renditions that the viewer does not play.
func (p *Peer) leftOut() (notes []protocol.Note) {
	p.mu.Lock()
	agreed := p.agreed
	p.mu.Unlock()
	formats, _ := p.known()
	for i, r := range p.opt.Camera.Renditions {
		if f := formats[i]; agreed.Codec != "" && f.Codec != "" && !agreed.Covers(f) {
			notes = append(notes, protocol.Note{
				Code:    protocol.NoteVideoLeftOut,
				Message: fmt.Sprintf("the camera's %s stream is %s, which is not played here", r.Name, f),
			})
		}
	}
	return notes
}

// watchFormats notes when a rendition is of another format than before, until cancel is called.
func (p *Peer) watchFormats() (cancel func()) {
	return p.onFormat(func() {
		p.mu.Lock()
		p.reformed = true
		p.mu.Unlock()
		p.poke()
	})
}

// onFormat has told called when any rendition is of another format than before, until cancel is called.
func (p *Peer) onFormat(told func()) (cancel func()) {
	var cancels []func()
	for _, r := range p.opt.Camera.Renditions {
		cancels = append(cancels, r.Stream.OnFormat(told))
	}
	return func() {
		for _, cancel := range cancels {
			cancel()
		}
	}
}

// reconsider does what follows from another format. A picture that was not agreed on ends the session, with a reason at which
// the viewer comes back at once and agrees on what there is now: only its offer says what it can decode.
func (p *Peer) reconsider() {
	p.mu.Lock()
	reformed, flow, agreed := p.reformed, p.flow, p.agreed
	p.reformed = false
	p.mu.Unlock()
	if !reformed {
		return
	}
	p.pictureChanged()
	if flow == nil || agreed.Codec == "" {
		return
	}
	showing, _ := flow.Showing()
	r, ok := p.opt.Camera.Find(showing)
	if !ok {
		return
	}
	if f, known := r.Stream.LastFormat(); known && !agreed.Covers(f) {
		p.log.Warn("picture is not as it was agreed on", "err", f.String())
		p.stop(protocol.ReasonDeviceLeft)
	}
}
