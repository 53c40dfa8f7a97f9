package source

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync/atomic"
	"time"

	"github.com/bluenviron/gortsplib/v5"
	"github.com/bluenviron/gortsplib/v5/pkg/base"
	"github.com/bluenviron/gortsplib/v5/pkg/description"
	"github.com/bluenviron/gortsplib/v5/pkg/format"
	"github.com/bluenviron/gortsplib/v5/pkg/liberrors"
	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/protocol"
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
// packet), the camera wants it, or packets get lost again and again.
type rtspSource struct {
	url *base.URL
	log *slog.Logger
	// tcp is set once UDP proved to lose packets.
	tcp atomic.Bool
}

func openRTSP(spec string, cfg Config) (Source, error) {
	u, err := base.ParseURL(spec)
	if err != nil || u.Hostname() == "" {
		// The cause would show parts of the password.
		return nil, errors.New("source rtsp: write it as rtsp://host/path or rtsp://user:password@host:port/path, " +
			"with special characters of the password percent-encoded")
	}
	return &rtspSource{url: u, log: logger(cfg.Logger)}, nil
}

// String implements Source.
func (s *rtspSource) String() string { return s.url.CloneWithoutCredentials().String() }

// Run implements Source.
func (s *rtspSource) Run(ctx context.Context, sink Sink) error {
	err := s.run(ctx, sink)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return s.explain(err)
}

func (s *rtspSource) run(ctx context.Context, sink Sink) error {
	client := s.client()
	if err := client.Start(); err != nil {
		return err
	}
	defer client.Close()
	stop := context.AfterFunc(ctx, client.Close)
	defer stop()

	session, _, err := client.Describe(s.url)
	if err != nil {
		return err
	}
	video, audio, err := chooseTracks(session)
	if err != nil {
		return err
	}
	if _, err := client.Setup(session.BaseURL, video.media, 0, 0); err != nil {
		return err
	}
	intake, err := newVideoIntake(sink, video.h264, s.log)
	if err != nil {
		return err
	}
	client.OnPacketRTP(video.media, video.h264, intake.onPacket(client, video.media))
	tracks := Tracks{ParameterSets: video.parameterSets()}
	if audio != nil {
		if _, err := client.Setup(session.BaseURL, audio.media, 0, 0); err != nil {
			return err
		}
		tracks.Sound = &audio.sound
		client.OnPacketRTP(audio.media, audio.format, audio.onPacket(client, sink))
	}
	sink.Start(tracks)
	if _, err := client.Play(nil); err != nil {
		return err
	}
	return s.wait(client, intake)
}

// errLossy makes the next life of the source use TCP.
var errLossy = errors.New("packets get lost over UDP again and again; switching to TCP")

// wait ends with the client, or when too much gets lost over UDP.
func (s *rtspSource) wait(client *gortsplib.Client, intake *videoIntake) error {
	var g errgroup.Group
	ended := make(chan struct{})
	g.Go(func() error {
		defer close(ended)
		return client.Wait()
	})
	g.Go(func() error {
		select {
		case <-ended:
		case <-intake.lossy:
			if overUDP(client) {
				s.tcp.Store(true)
				client.Close()
			}
		}
		return nil
	})
	err := g.Wait()
	if errors.As(err, new(liberrors.ErrClientTerminated)) && s.tcp.Load() {
		return errLossy
	}
	return err
}

func overUDP(client *gortsplib.Client) bool {
	t := client.Transport()
	return t != nil && t.Session != nil && t.Session.Protocol == gortsplib.ProtocolUDP
}

func (s *rtspSource) client() *gortsplib.Client {
	c := &gortsplib.Client{
		Scheme:            s.url.Scheme,
		Host:              s.url.Host,
		ReadTimeout:       rtspTimeout,
		WriteTimeout:      rtspTimeout,
		UDPReadBufferSize: udpBuffer,

		InitialUDPReadTimeout: udpTimeout,
		UserAgent:             "sightline-agent",
		OnTransportSwitch:     func(err error) { s.log.Info("source changes its transport", "err", s.scrub(err)) },
		OnPacketsLost:         func(uint64) {},
		OnDecodeError:         func(err error) { s.log.Debug("source sent a bad packet", "err", s.scrub(err)) },
	}
	if s.tcp.Load() {
		tcp := gortsplib.ProtocolTCP
		c.Protocol = &tcp
	}
	return c
}

// videoTrack and audioTrack are what is taken of a camera.
type videoTrack struct {
	media *description.Media
	h264  *format.H264
}

// parameterSets are those of the SDP: some cameras do not repeat them in the stream.
func (t *videoTrack) parameterSets() [][]byte {
	if t.h264.SPS == nil || t.h264.PPS == nil {
		return nil
	}
	return [][]byte{t.h264.SPS, t.h264.PPS}
}

// chooseTracks takes the first H.264 video, and the first sound that browsers understand as it is.
func chooseTracks(session *description.Session) (*videoTrack, *audioTrack, error) {
	var video *videoTrack
	var audio *audioTrack
	var others []string
	for _, m := range session.Medias {
		if m.IsBackChannel {
			continue
		}
		for _, f := range m.Formats {
			if h264, ok := f.(*format.H264); ok && video == nil {
				video = &videoTrack{m, h264}
			} else if a := newAudioTrack(m, f); a != nil && audio == nil {
				audio = a
			} else if m.Type == description.MediaTypeVideo {
				others = append(others, codecName(f))
			}
		}
	}
	switch {
	case video != nil:
		return video, audio, nil
	case len(others) > 0:
		return nil, nil, protocol.Errorf(protocol.CodeCodec,
			"the camera sends %s; set it, or this stream of it, to H.264", strings.Join(others, ", "))
	default:
		return nil, nil, protocol.Errorf(protocol.CodeCodec, "the camera sends no video on this stream")
	}
}

func codecName(f format.Format) string {
	switch f.(type) {
	case *format.H265:
		return "H.265"
	case *format.MJPEG:
		return "Motion JPEG"
	default:
		name, _, _ := strings.Cut(f.RTPMap(), "/")
		if name == "" {
			name = fmt.Sprintf("payload type %d", f.PayloadType())
		}
		return name
	}
}
