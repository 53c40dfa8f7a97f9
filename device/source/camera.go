package source

import (
	"context"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/media"
	"github.com/sightline-rtc/sightline/protocol"
)

// CameraConfig configures a Camera.
type CameraConfig struct {
	// Name is written into the test picture.
	Name string
	// Source is where the best picture comes from and Sub, which may be empty, where a smaller one of the same scene
	// does; both as for Open.
	Source, Sub string
	// Talk is the loudspeaker: "exec:COMMAND" for a command that gets 16-bit little-endian mono samples at 8 kHz on its
	// standard input, "off" for none; empty for that of the source, if it has one.
	Talk string
	// ONVIF is the camera's device service, http(s)://[user:password@]host[:port]/onvif/device_service, and Snapshot where
	// its JPEG is, http(s)://…; both may be empty. Without a user they take that of an RTSP source on the same
	// host.
	ONVIF, Snapshot string
	// Warm keeps the sources open without viewers: all of them, because the path of a new viewer decides with which one
	// it starts.
	Warm bool
	// Linger is how long a source stays open after its last viewer; 0 means 30 s.
	Linger time.Duration
	// Logger gets what is worth knowing; nil discards it.
	Logger *slog.Logger
}

// Camera is everything that belongs to one scene: one or two streams of it, its loudspeaker, its motors and its still
// pictures. It is safe for concurrent use.
type Camera struct {
	feeds  []cameraFeed // the best first
	news   news
	stills stills
	motors *motors
	// onvif is nil when the camera is not asked for it.
	onvif *onvifCamera
	// talker is nil when the camera has no loudspeaker that could be known of.
	talker Talker
	mouth  mouthKeeper
}

// cameraFeed is one of the streams of a camera.
type cameraFeed struct {
	name protocol.RenditionName
	feed *Feed
}

// OpenCamera makes a camera. Its errors say in words what is wrong with the configuration; nothing is dialled yet.
func OpenCamera(cfg CameraConfig) (*Camera, error) {
	c := &Camera{}
	passwords := patiences{}
	opening := Config{Name: cfg.Name, Logger: cfg.Logger, Changed: c.news.tell, patiences: passwords}
	opening.backChannel = cfg.Talk == ""
	main, err := Open(cfg.Source, opening)
	if err != nil {
		return nil, err
	}
	opening.backChannel = false
	c.add(protocol.RenditionMain, main, cfg)
	if cfg.Sub != "" {
		sub, err := Open(cfg.Sub, opening)
		if err != nil {
			return nil, fmt.Errorf("sub stream: %w", err)
		}
		c.add(protocol.RenditionSub, sub, cfg)
	}
	if err := c.equip(cfg, passwords); err != nil {
		return nil, err
	}
	switch cfg.Talk {
	case "":
	case "off":
		c.talker = nil
	default:
		if c.talker, err = openSpeaker(cfg.Talk, cfg.Logger); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// add adds the next best stream.
func (c *Camera) add(name protocol.RenditionName, src Source, cfg CameraConfig) {
	c.feeds = append(c.feeds, cameraFeed{name, NewFeed(FeedConfig{
		Source: src, Warm: cfg.Warm, Linger: cfg.Linger, Logger: cfg.Logger, Changed: c.news.tell,
	})})
}

// equip finds out who does what else the camera can do.
func (c *Camera) equip(cfg CameraConfig, passwords patiences) error {
	main := c.feeds[0].feed.cfg.Source
	mover, _ := main.(Mover)
	var camera *url.URL // whose password its own web server gets
	if rtsp, ok := main.(*rtspSource); ok {
		camera = (*url.URL)(rtsp.target.url)
	}
	if cfg.Snapshot != "" {
		w, err := openWebServer("snapshot", cfg.Snapshot, camera, passwords)
		if err != nil {
			return err
		}
		c.stills.from = append(c.stills.from, stillURL{w})
	}
	if cfg.ONVIF != "" {
		w, err := openWebServer("onvif", cfg.ONVIF, camera, passwords)
		if err != nil {
			return err
		}
		c.onvif = newONVIFCamera(w, len(c.feeds), c.news.tell, logger(cfg.Logger))
		c.stills.from = append(c.stills.from, c.onvif)
		mover = c.onvif
		for i, f := range c.feeds {
			f.feed.Stream().SetKeyframeHint(func() { c.onvif.want(i) })
		}
	}
	if p, ok := main.(Photographer); ok {
		c.stills.from = append(c.stills.from, p)
	}
	c.motors = newMotors(mover, logger(cfg.Logger))
	c.talker, _ = main.(Talker)
	return nil
}

// Run opens and reopens the sources, while they are wanted, until ctx is done; it then returns nil.
func (c *Camera) Run(ctx context.Context) error {
	g, ctx := errgroup.WithContext(ctx)
	for _, f := range c.feeds {
		g.Go(func() error { return f.feed.Run(ctx) })
	}
	g.Go(func() error { return c.motors.watch(ctx) })
	if c.onvif != nil {
		g.Go(func() error { return c.onvif.run(ctx) })
	}
	return g.Wait()
}

// Media returns the streams that viewers subscribe to, the same for the camera's whole life.
func (c *Camera) Media() media.Camera {
	var m media.Camera
	for _, f := range c.feeds {
		m.Renditions = append(m.Renditions, media.Rendition{Name: f.name, Stream: f.feed.Stream(), Hold: f.feed.Acquire})
	}
	return m
}

// Status tells how the source of the best picture is.
func (c *Camera) Status() Status { return c.feeds[0].feed.Status() }

// FeedStatus tells how the source of one rendition is.
type FeedStatus struct {
	Name protocol.RenditionName
	// Source names the source, without any secret.
	Source string
	Status
}

// Renditions tells how all sources are, the best picture's first.
func (c *Camera) Renditions() []FeedStatus {
	all := make([]FeedStatus, len(c.feeds))
	for i, f := range c.feeds {
		all[i] = FeedStatus{f.name, f.feed.cfg.Source.String(), f.feed.Status()}
	}
	return all
}

// Subscribe has told called whenever the status or the abilities may have changed, until cancel is called. It must not
// block, and may ask the camera.
func (c *Camera) Subscribe(told func()) (cancel func()) { return c.news.subscribe(told) }

// Abilities are what can be done with a camera besides looking at it live.
type Abilities struct {
	Talk, PTZ, Snapshot bool
	// Notes are what viewers do without.
	Notes []protocol.Note
}

// Abilities tells what the camera can do, as far as that is known by now.
func (c *Camera) Abilities() Abilities {
	a := Abilities{
		Talk: len(c.TalkFormats()) > 0, PTZ: c.motors.able(), Snapshot: c.stills.able(),
	}
	for _, f := range c.feeds {
		for _, n := range f.feed.Notes() {
			if !slices.Contains(a.Notes, n) {
				a.Notes = append(a.Notes, n)
			}
		}
	}
	return a
}
