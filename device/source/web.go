package source

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/sightline-rtc/sightline/device/onvif"
	"github.com/sightline-rtc/sightline/protocol"
)

// learnWaits are how long to wait until a camera is asked again what it can do, after each failure in a row.
var learnWaits = []time.Duration{5 * time.Second, 30 * time.Second, 2 * time.Minute, 5 * time.Minute}

// keyframeTimeout bounds asking for a keyframe: after that, the next of the camera's own is as near.
const keyframeTimeout = 2 * time.Second

// webServer is what a camera's web server brings, asked with a password that is left alone once it was refused.
type webServer struct {
	web *onvif.Web
	// patience is that of the web server, whose accounts may be others than those of the streams: what it refuses does not
	// keep the picture away. A password that the streams refuse is not tried here either.
	patience, streams *patience
}

// openWebServer reads the URL of a web server. Without a user it takes that of the camera, nil for none, if it is on the same
// host: another host has no business with the camera's password.
func openWebServer(what, spec string, camera *url.URL, all patiences) (*webServer, error) {
	var user *url.Userinfo
	if to, err := url.Parse(spec); err == nil && camera != nil && to.Hostname() == camera.Hostname() {
		user = camera.User
	}
	web, err := onvif.OpenWeb(spec, user)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", what, err)
	}
	host, password := web.Host(), web.User().String()
	return &webServer{web: web, patience: all.of("web server "+host, password), streams: all.of(host, password)}, nil
}

// ask runs a request unless the password is to be left alone.
func (w *webServer) ask(request func() error) error {
	if err := cmp.Or(w.streams.allow(), w.patience.allow()); err != nil {
		return err
	}
	err := request()
	switch {
	case errors.Is(err, onvif.ErrRefused) && w.web.User() != nil:
		return w.patience.refused()
	case errors.Is(err, onvif.ErrRefused):
		return errors.New("the camera's web server wants a user name and a password")
	case err == nil:
		w.patience.accepted()
	}
	return err
}

// stillURL fetches the camera's JPEG from a configured place.
type stillURL struct{ *webServer }

// Snapshot implements Photographer.
func (s stillURL) Snapshot(ctx context.Context) (jpeg []byte, err error) {
	err = s.ask(func() error {
		jpeg, err = s.web.Still(ctx)
		return err
	})
	return jpeg, err
}

// onvifCamera is what ONVIF brings: still pictures, movements and keyframes.
type onvifCamera struct {
	*webServer
	client  *onvif.Client
	log     *slog.Logger
	changed func()
	// wanted has room for one wish for a keyframe of each stream.
	wanted []chan struct{}

	mu        sync.Mutex // guards abilities
	abilities onvif.Abilities
}

func newONVIFCamera(w *webServer, streams int, changed func(), log *slog.Logger) *onvifCamera {
	o := &onvifCamera{webServer: w, client: onvif.NewClient(w.web), log: log, changed: changed}
	for range streams {
		o.wanted = append(o.wanted, make(chan struct{}, 1))
	}
	return o
}

// want asks for a keyframe of a stream. It does not block.
func (o *onvifCamera) want(stream int) {
	select {
	case o.wanted[stream] <- struct{}{}:
	default:
	}
}

// run learns what the camera can do and asks for keyframes until ctx is done; it then returns nil.
func (o *onvifCamera) run(ctx context.Context) error {
	if !o.learn(ctx) {
		return nil
	}
	g, ctx := errgroup.WithContext(ctx)
	for i := range o.wanted {
		g.Go(func() error {
			for {
				select {
				case <-ctx.Done():
					return nil
				case <-o.wanted[i]:
					o.keyframe(ctx, i)
				}
			}
		})
	}
	return g.Wait()
}

func (o *onvifCamera) keyframe(ctx context.Context, stream int) {
	if !o.able().Keyframe {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, keyframeTimeout)
	defer cancel()
	if err := o.ask(func() error { return o.client.Keyframe(ctx, stream) }); err != nil {
		o.log.Debug("camera makes no keyframe", "err", err)
	}
}

// learn returns false when ctx is done before the camera answered.
func (o *onvifCamera) learn(ctx context.Context) bool {
	for failures := 0; ; failures++ {
		var abilities onvif.Abilities
		err := o.ask(func() (err error) {
			abilities, err = o.client.Learn(ctx)
			return err
		})
		if err == nil {
			o.mu.Lock()
			o.abilities = abilities
			o.mu.Unlock()
			o.changed()
			return true
		}
		if failures == 0 && ctx.Err() == nil {
			o.log.Warn("camera's ONVIF services not reached", "err", err)
		}
		wait := learnWaits[min(failures, len(learnWaits)-1)]
		var later patient
		if errors.As(err, &later) {
			wait = max(wait, time.Until(later.RetryAfter()))
		}
		select {
		case <-ctx.Done():
			return false
		case <-time.After(wait):
		}
	}
}

func (o *onvifCamera) able() onvif.Abilities {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.abilities
}

// Photographs implements fitful.
func (o *onvifCamera) Photographs() bool { return o.able().Snapshot }

// Moves implements fitful.
func (o *onvifCamera) Moves() bool { return o.able().PTZ }

// Snapshot implements Photographer.
func (o *onvifCamera) Snapshot(ctx context.Context) (jpeg []byte, err error) {
	err = o.ask(func() error {
		jpeg, err = o.client.Snapshot(ctx)
		return err
	})
	return jpeg, err
}

// Move implements Mover.
func (o *onvifCamera) Move(ctx context.Context, to protocol.PTZ) error {
	return o.ask(func() error { return o.client.Move(ctx, to) })
}

// fitful is something whose abilities are not known from the start.
type fitful interface {
	Photographs() bool
	Moves() bool
}
