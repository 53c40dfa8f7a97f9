package source

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"golang.org/x/sync/errgroup"
)

const (
	// rtspTimeout bounds connecting and each request. Cameras on a local network answer within 100 ms, slow ones that
	// start their encoder first within 2 s.
	rtspTimeout = 5 * time.Second
	// udpTimeout is when to try TCP: a camera's first packet comes within 1 s, and the watch over the source gives up
	// after maxSilence.
	udpTimeout = 2 * time.Second
	// udpBuffer holds a keyframe of 1 MB that comes as one burst.
	udpBuffer = 1 << 20
)

// rtspSource plays one camera with gortsplib: over UDP, and over TCP where UDP does not pass (after 2 s without a
// packet), the camera wants it, or packets get lost again and again; unless the specification names one of them.
type rtspSource struct {
	target   *rtspTarget
	patience *patience
	log      *slog.Logger
	// tcp is set once UDP proved not to pass or to lose packets, and taken back when the camera refuses TCP.
	tcp atomic.Bool
	// back is its loudspeaker.
	back backChannel
}

func openRTSP(spec string, cfg Config) (Source, error) {
	target, err := parseRTSP(spec)
	if err != nil {
		return nil, err
	}
	if cfg.patiences == nil {
		cfg.patiences = patiences{}
	}
	return &rtspSource{
		target:   target,
		patience: cfg.patiences.of(target.url.Hostname(), target.url.User.String()),
		log:      logger(cfg.Logger),
		back:     backChannel{wanted: cfg.backChannel, changed: cfg.Changed},
	}, nil
}

// String implements Source.
func (s *rtspSource) String() string { return unnamed(s.target.url.CloneWithoutCredentials().String()) }

// Run implements Source.
func (s *rtspSource) Run(ctx context.Context, sink Sink) error {
	if err := s.patience.allow(); err != nil {
		return s.explain(err)
	}
	err := s.play(ctx, sink)
	if ctx.Err() == nil && s.suggestsOther(err) {
		tcp := !s.tcp.Load()
		s.tcp.Store(tcp)
		s.log.Info("source changes its transport", "tcp", tcp, "err", s.scrub(err))
		err = s.play(ctx, sink)
	}
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.explain(err)
}

// setupError is why a camera does not send as it was asked to.
type setupError struct{ error }

// Unwrap implements errors.Unwrap.
func (e setupError) Unwrap() error { return e.error }

// suggestsOther reports whether the other transport may work where one did not.
func (s *rtspSource) suggestsOther(err error) bool {
	if s.target.transport != nil || !errors.As(err, new(setupError)) {
		return false
	}
	var status liberrors.ErrClientBadStatusCode
	if !errors.As(err, &status) {
		return true
	}
	switch status.Code {
	case base.StatusUnauthorized, base.StatusForbidden, base.StatusNotFound, base.StatusNotEnoughBandwidth,
		base.StatusServiceUnavailable:
		return false
	}
	return true
}

// play is one connection to the camera.
func (s *rtspSource) play(ctx context.Context, sink Sink) error {
	guard := &rtspGuard{host: s.target.url.Hostname()}
	client := s.client(guard)
	session, err := s.describe(ctx, client, guard)
	if err != nil {
		return s.judgePassword(err)
	}
	s.patience.accepted()
	defer client.Close()
	stop := context.AfterFunc(ctx, client.Close)
	defer stop()
	tracks, err := chooseTracks(session)
	if err != nil {
		return err
	}
	intake, err := newVideoIntake(sink, tracks.video, s.log)
	if err != nil {
		return err
	}
	var probe sync.WaitGroup
	probing, enough := context.WithCancel(ctx)
	probe.Go(func() { s.probeBackChannel(probing) })
	defer probe.Wait()
	defer enough()
	if err := setUp(client, session, tracks); err != nil {
		return setupError{err}
	}
	client.OnPacketRTP(tracks.video.media, tracks.video.format, intake.onPacket(client))
	announced := Tracks{Codec: tracks.video.codec, ParameterSets: tracks.video.parameterSets(), Notes: tracks.notes}
	if tracks.audio != nil {
		announced.Sound = &tracks.audio.sound
		client.OnPacketRTP(tracks.audio.media, tracks.audio.format, tracks.audio.onPacket(client, sink))
	}
	sink.Start(announced)
	if _, err := client.Play(nil); err != nil {
		return err
	}
	return s.wait(client, intake)
}

// describe connects and asks what the camera sends. The client is closed when it fails.
func (s *rtspSource) describe(ctx context.Context, client *gortsplib.Client, guard *rtspGuard) (*description.Session, error) {
	if err := client.Start(); err != nil {
		return nil, err
	}
	stop := context.AfterFunc(ctx, client.Close)
	defer stop()
	session, _, err := client.Describe(s.target.url)
	if err == nil {
		return session, nil
	}
	client.Close()
	if guard.elsewhere != "" {
		return nil, elsewhereError(guard.elsewhere)
	}
	return nil, err
}

// judgePassword notes that the camera refused the password, if that is why a connection failed.
func (s *rtspSource) judgePassword(err error) error {
	var status liberrors.ErrClientBadStatusCode
	if errors.As(err, &status) && status.Code == base.StatusUnauthorized && s.target.url.User != nil {
		return s.patience.refused()
	}
	return err
}

func setUp(client *gortsplib.Client, session *description.Session, tracks *rtspTracks) error {
	if _, err := client.Setup(session.BaseURL, tracks.video.media, 0, 0); err != nil {
		return err
	}
	if tracks.audio == nil {
		return nil
	}
	_, err := client.Setup(session.BaseURL, tracks.audio.media, 0, 0)
	return err
}

// errLossy makes the next life of the source use TCP.
var errLossy = errors.New("packets get lost over UDP again and again; switching to TCP")

// wait ends with the client, or when too much gets lost over UDP.
func (s *rtspSource) wait(client *gortsplib.Client, intake *videoIntake) error {
	var g errgroup.Group
	ended := make(chan struct{})
	lossy := false
	g.Go(func() error {
		defer close(ended)
		return client.Wait()
	})
	g.Go(func() error {
		select {
		case <-ended:
		case <-intake.lossy:
			if overUDP(client) && s.target.transport == nil {
				lossy = true
				client.Close()
			}
		}
		return nil
	})
	err := g.Wait()
	if lossy {
		s.tcp.Store(true)
		return errLossy
	}
	return err
}

func overUDP(client *gortsplib.Client) bool {
	t := client.Transport()
	return t != nil && t.Session != nil && t.Session.Protocol == gortsplib.ProtocolUDP
}

func (s *rtspSource) client(guard *rtspGuard) *gortsplib.Client {
	c := &gortsplib.Client{
		Scheme:            s.target.url.Scheme,
		Host:              s.target.url.Host,
		TLSConfig:         s.target.tls(),
		Protocol:          s.target.transport,
		ReadTimeout:       rtspTimeout,
		WriteTimeout:      rtspTimeout,
		UDPReadBufferSize: udpBuffer,

		InitialUDPReadTimeout: udpTimeout,
		UserAgent:             "sightline-agent",
		OnResponse:            guard.judge,
		OnTransportSwitch: func(err error) {
			s.tcp.Store(true) // the next life need not find out again
			s.log.Info("source changes its transport", "tcp", true, "err", s.scrub(err))
		},
		OnPacketsLost: func(uint64) {},
		OnDecodeError: func(err error) { s.log.Debug("source sent a bad packet", "err", s.scrub(err)) },
	}
	if s.tcp.Load() && c.Protocol == nil {
		tcp := gortsplib.ProtocolTCP
		c.Protocol = &tcp
	}
	return c
}
