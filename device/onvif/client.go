package onvif

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

// maxProfiles bounds the profiles that are looked at.
const maxProfiles = 16

// Client asks one camera's ONVIF services. It is safe for concurrent use.
type Client struct {
	web *Web

	mu sync.Mutex // guards all below
	// camera is what was learned, nil before.
	camera *camera
}

// camera is what a camera can do, and where.
type camera struct {
	// skew is how far the camera's clock is ahead.
	skew       time.Duration
	media, ptz *url.URL // nil without the service
	profiles   []profile
}

type profile struct {
	Token string `xml:"token,attr"`
	// Video and PTZ are there when the profile has pictures and can be moved.
	Video *struct{} `xml:"VideoEncoderConfiguration"`
	PTZ   *struct{} `xml:"PTZConfiguration"`
}

// Abilities are what the camera can be asked for.
type Abilities struct{ PTZ, Snapshot, Keyframe bool }

// NewClient makes a client of the device service at a web server's address.
func NewClient(w *Web) *Client { return &Client{web: w} }

// Learn asks the camera what it can do, once; after a success it returns what it knows. It fails with ErrRefused.
func (c *Client) Learn(ctx context.Context) (Abilities, error) {
	known, err := c.learned(ctx)
	if err != nil {
		return Abilities{}, err
	}
	media := known.media != nil && len(known.profiles) > 0
	return Abilities{PTZ: known.mover() != "", Snapshot: media, Keyframe: media}, nil
}

func (c *Client) learned(ctx context.Context) (*camera, error) {
	c.mu.Lock()
	known := c.camera
	c.mu.Unlock()
	if known != nil {
		return known, nil
	}
	known, err := c.learn(ctx)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.camera = known
	return known, nil
}

func (c *Client) learn(ctx context.Context) (*camera, error) {
	known := &camera{skew: c.skew(ctx)}
	var services struct {
		Media string `xml:"Capabilities>Media>XAddr"`
		PTZ   string `xml:"Capabilities>PTZ>XAddr"`
	}
	if err := c.ask(ctx, known, c.web.base, `<GetCapabilities xmlns="`+deviceNS+`"><Category>All</Category></GetCapabilities>`, &services); err != nil {
		return nil, err
	}
	var err error
	if services.PTZ != "" {
		if known.ptz, err = c.web.at(services.PTZ); err != nil {
			return nil, err
		}
	}
	if services.Media == "" {
		return known, nil
	}
	if known.media, err = c.web.at(services.Media); err != nil {
		return nil, err
	}
	var profiles struct {
		Profiles []profile `xml:"Profiles"`
	}
	if err := c.ask(ctx, known, known.media, `<GetProfiles xmlns="`+mediaNS+`"/>`, &profiles); err != nil {
		return nil, err
	}
	for _, p := range profiles.Profiles[:min(len(profiles.Profiles), maxProfiles)] {
		if p.Video != nil {
			known.profiles = append(known.profiles, p)
		}
	}
	return known, nil
}

// skew asks for the camera's clock, which it tells everybody; 0 if it does not.
func (c *Client) skew(ctx context.Context) time.Duration {
	var clock struct {
		Date struct{ Year, Month, Day int }     `xml:"SystemDateAndTime>UTCDateTime>Date"`
		Time struct{ Hour, Minute, Second int } `xml:"SystemDateAndTime>UTCDateTime>Time"`
	}
	if err := c.call(ctx, c.web.base, "", `<GetSystemDateAndTime xmlns="`+deviceNS+`"/>`, &clock); err != nil || clock.Date.Year == 0 {
		return 0
	}
	return time.Until(time.Date(clock.Date.Year, time.Month(clock.Date.Month), clock.Date.Day,
		clock.Time.Hour, clock.Time.Minute, clock.Time.Second, 0, time.UTC))
}

// ask is call in the user's name.
func (c *Client) ask(ctx context.Context, known *camera, to *url.URL, request string, out any) error {
	return c.call(ctx, to, security(c.web.user, time.Now().Add(known.skew)), request, out)
}

// mover is the first profile that can be moved; empty means that none can.
func (k *camera) mover() string {
	for _, p := range k.profiles {
		if k.ptz != nil && p.PTZ != nil {
			return p.Token
		}
	}
	return ""
}

// Snapshot fetches a still picture of the best profile. It fails with ErrRefused.
func (c *Client) Snapshot(ctx context.Context) ([]byte, error) {
	known, err := c.learned(ctx)
	if err != nil {
		return nil, err
	}
	if known.media == nil || len(known.profiles) == 0 {
		return nil, protocol.Errorf(protocol.CodeNotFound, "the camera makes no still pictures")
	}
	var answer struct {
		URI string `xml:"MediaUri>Uri"`
	}
	request := `<GetSnapshotUri xmlns="` + mediaNS + `"><ProfileToken>` + escape(known.profiles[0].Token) + `</ProfileToken></GetSnapshotUri>`
	if err := c.ask(ctx, known, known.media, request, &answer); err != nil {
		return nil, err
	}
	from, err := c.web.at(answer.URI)
	if err != nil {
		return nil, err
	}
	return c.web.fetch(ctx, from)
}

// Keyframe asks for a keyframe of the nth profile with pictures (SetSynchronizationPoint); cameras list them the best first.
// It fails with ErrRefused.
func (c *Client) Keyframe(ctx context.Context, n int) error {
	known, err := c.learned(ctx)
	if err != nil {
		return err
	}
	if known.media == nil || n >= len(known.profiles) {
		return errors.New("the camera has no such profile")
	}
	return c.ask(ctx, known, known.media, `<SetSynchronizationPoint xmlns="`+mediaNS+`"><ProfileToken>`+
		escape(known.profiles[n].Token)+`</ProfileToken></SetSynchronizationPoint>`, nil)
}

// Move sets the speeds of the motors; all zero stops them. The camera stops by itself after a second, if it heeds the
// timeout. It fails with ErrRefused, and with CodeNotFound when nothing can be moved.
func (c *Client) Move(ctx context.Context, to protocol.PTZ) error {
	known, err := c.learned(ctx)
	if err != nil {
		return err
	}
	token := known.mover()
	if token == "" {
		return protocol.Errorf(protocol.CodeNotFound, "the camera cannot be moved")
	}
	profile := `<ProfileToken>` + escape(token) + `</ProfileToken>`
	var request string
	switch {
	case to.Home:
		request = `<GotoHomePosition xmlns="` + ptzNS + `">` + profile + `</GotoHomePosition>`
	case to.Pan == 0 && to.Tilt == 0 && to.Zoom == 0:
		request = `<Stop xmlns="` + ptzNS + `">` + profile + `<PanTilt>true</PanTilt><Zoom>true</Zoom></Stop>`
	default:
		request = `<ContinuousMove xmlns="` + ptzNS + `">` + profile + velocity(to) + `<Timeout>PT1S</Timeout></ContinuousMove>`
	}
	return c.ask(ctx, known, known.ptz, request, nil)
}

// velocity leaves out what stands: cameras without a zoom refuse a zoom of 0.
func velocity(to protocol.PTZ) string {
	v := `<Velocity xmlns:t="` + schemaNS + `">`
	if to.Pan != 0 || to.Tilt != 0 {
		v += fmt.Sprintf(`<t:PanTilt x="%.3f" y="%.3f"/>`, to.Pan, to.Tilt)
	}
	if to.Zoom != 0 {
		v += fmt.Sprintf(`<t:Zoom x="%.3f"/>`, to.Zoom)
	}
	return v + `</Velocity>`
}
