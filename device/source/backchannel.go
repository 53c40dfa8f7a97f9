package source

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"github.com/pion/rtp"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// backChannel is what is known of an RTSP camera's loudspeaker (ONVIF Streaming Specification section 5.3). It is asked about
// on a connection of its own, once pictures were promised: some cameras answer the question with a refusal, or with other
// tracks than without it.
type backChannel struct {
	// wanted says that it is asked about at all, changed is called when its formats are known.
	wanted  bool
	changed func()

	mu      sync.Mutex // guards all below
	known   bool
	formats []media.AudioFormat
}

func (b *backChannel) settle(formats []media.AudioFormat) {
	b.mu.Lock()
	changed := !slices.Equal(b.formats, formats)
	b.known, b.formats = true, formats
	b.mu.Unlock()
	if changed && b.changed != nil {
		b.changed()
	}
}

func (b *backChannel) settled() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return !b.wanted || b.known
}

// TalkFormats implements Talker.
func (s *rtspSource) TalkFormats() []media.AudioFormat {
	s.back.mu.Lock()
	defer s.back.mu.Unlock()
	return slices.Clone(s.back.formats)
}

// backTrack is a camera's offer to be talked to.
type backTrack struct {
	media  *description.Media
	format format.Format
	sound  media.AudioFormat
}

// chooseBackTrack takes the first format that browsers send; nil means that there is none.
func chooseBackTrack(session *description.Session) *backTrack {
	for _, m := range session.Medias {
		if !m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			if t := newAudioTrack(m, f); t != nil && t.decode == nil && t.sound.Codec != media.CodecL16 {
				return &backTrack{m, f, t.sound}
			}
		}
	}
	return nil
}

// probeBackChannel finds out once whether the camera can be talked to. A camera that refuses the question cannot; one that
// does not answer is asked again in the source's next life.
func (s *rtspSource) probeBackChannel(ctx context.Context) {
	if s.back.settled() {
		return
	}
	client, session, err := s.describeBackChannel(ctx, nil)
	var refused liberrors.ErrClientBadStatusCode
	switch {
	case errors.As(err, &refused):
		s.back.settle(nil)
	case err != nil:
		s.log.Debug("source not asked for its loudspeaker", "err", s.scrub(err))
	default:
		client.Close()
		var formats []media.AudioFormat
		if t := chooseBackTrack(session); t != nil {
			formats = append(formats, t.sound)
		}
		s.back.settle(formats)
	}
}

func (s *rtspSource) describeBackChannel(ctx context.Context, transport *gortsplib.Protocol) (*gortsplib.Client, *description.Session, error) {
	guard := &rtspGuard{host: s.target.url.Hostname()}
	client := s.client(guard)
	client.RequestBackChannels = true
	if client.Protocol == nil {
		client.Protocol = transport
	}
	session, err := s.describe(ctx, client, guard)
	return client, session, err
}

// Talk implements Talker, on a connection of its own, so that the picture is not disturbed: over TCP, or over UDP for
// cameras that take nothing else.
func (s *rtspSource) Talk(ctx context.Context) (Mouth, error) {
	if err := s.patience.allow(); err != nil {
		return nil, s.explain(err)
	}
	tcp, udp := gortsplib.ProtocolTCP, gortsplib.ProtocolUDP
	m, err := s.talk(ctx, &tcp)
	if s.suggestsOther(err) && !s.tcp.Load() {
		m, err = s.talk(ctx, &udp)
	}
	if err != nil {
		return nil, s.explain(s.judgePassword(err))
	}
	return m, nil
}

func (s *rtspSource) talk(ctx context.Context, transport *gortsplib.Protocol) (*rtspMouth, error) {
	client, session, err := s.describeBackChannel(ctx, transport)
	if err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, client.Close)
	defer stop()
	track := chooseBackTrack(session)
	if track == nil {
		client.Close()
		s.back.settle(nil)
		return nil, protocol.Errorf(protocol.CodeNotFound, "the camera can no longer be talked to")
	}
	if err := setUpBackChannel(client, session, track.media); err != nil {
		client.Close()
		return nil, setupError{err}
	}
	if _, err := client.Play(nil); err != nil {
		client.Close()
		return nil, err
	}
	return &rtspMouth{
		client: client, track: track, explain: s.explain,
		sequence: uint16(rand.N(1 << 16)), offset: rand.Uint32(),
		close: sync.OnceFunc(client.Close),
	}, nil
}

// setUpBackChannel takes what the camera sends along with the back channel, as in the example of ONVIF Streaming Specification
// section 5.3, though nobody looks at it here: GStreamer's server, which is that of many cameras, plays nothing that it is sent
// once a track of its own has nowhere to go. A camera that does not send it, or badly, may take the back channel still.
func setUpBackChannel(client *gortsplib.Client, session *description.Session, back *description.Media) error {
	for _, m := range session.Medias {
		if m.IsBackChannel {
			continue
		}
		_, _ = client.Setup(session.BaseURL, m, 0, 0)
	}
	_, err := client.Setup(session.BaseURL, back, 0, 0)
	return err
}

// rtspMouth is an open back channel. Its packets leave when they come.
type rtspMouth struct {
	client  *gortsplib.Client
	track   *backTrack
	explain func(error) error
	close   func()

	mu       sync.Mutex // guards all below
	sequence uint16
	offset   uint32
	spoken   bool
}

// maxSpoken bounds the payload of a packet: with RTP and UDP it fits into what every network carries.
const maxSpoken = 1200

// Format implements Mouth.
func (m *rtspMouth) Format() media.AudioFormat { return m.track.sound }

// Write implements Mouth.
func (m *rtspMouth) Write(f media.AudioFrame) error {
	if len(f.Payload) == 0 || len(f.Payload) > maxSpoken {
		return fmt.Errorf("talk: a packet of %d bytes", len(f.Payload))
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	ticks := int64(f.PTS.Seconds() * float64(m.track.sound.ClockRate))
	p := &rtp.Packet{Payload: f.Payload, Header: rtp.Header{
		Version: 2, PayloadType: m.track.format.PayloadType(), SequenceNumber: m.sequence,
		Timestamp: m.offset + uint32(ticks), Marker: !m.spoken,
	}}
	m.sequence++
	m.spoken = true
	if err := m.client.WritePacketRTP(m.track.media, p); err != nil {
		return m.explain(err)
	}
	return nil
}

// Close implements Mouth.
func (m *rtspMouth) Close() error {
	m.close()
	return nil
}
