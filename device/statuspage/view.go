package statuspage

import (
	"encoding/json"
	"net/http"
	"time"

	"github.com/sightline-rtc/sightline/device"
	"github.com/sightline-rtc/sightline/protocol"
)

// agentView is what /status.json says; docs/agent.md has it.
type agentView struct {
	Version string    `json:"version"`
	Started time.Time `json:"started"`
	UptimeS int64     `json:"uptime_s"`
	// Stuck is why /healthz says no.
	Stuck     string       `json:"stuck,omitempty"`
	Network   string       `json:"network,omitempty"`
	MediaPort uint16       `json:"media_port,omitempty"`
	Cameras   []cameraView `json:"cameras"`
	now       time.Time
}

type cameraView struct {
	ID       string            `json:"id,omitempty"`
	Device   protocol.DeviceID `json:"device,omitempty"`
	Error    string            `json:"error,omitempty"`
	Link     linkView          `json:"link"`
	Sources  []sourceView      `json:"sources"`
	Sessions []sessionView     `json:"sessions"`
}

type linkView struct {
	Up        bool               `json:"up"`
	Transport protocol.Transport `json:"transport,omitempty"`
	Since     *time.Time         `json:"since,omitempty"`
	Fallback  *protocol.Fallback `json:"fallback,omitempty"`
	Error     string             `json:"error,omitempty"`
	Retry     *time.Time         `json:"retry,omitempty"`
}

type sourceView struct {
	Rendition protocol.RenditionName `json:"rendition"`
	Source    string                 `json:"source"`
	State     string                 `json:"state"`
	Since     *time.Time             `json:"since,omitempty"`
	// Error is why it went down last, also when it is up again.
	Error  string     `json:"error,omitempty"`
	Retry  *time.Time `json:"retry,omitempty"`
	Codec  string     `json:"codec,omitempty"`
	Width  int        `json:"width,omitempty"`
	Height int        `json:"height,omitempty"`
}

type sessionView struct {
	Session   protocol.SessionID     `json:"session"`
	Since     time.Time              `json:"since"`
	Path      protocol.PathKind      `json:"path,omitempty"`
	Means     protocol.Means         `json:"means,omitempty"`
	Rendition protocol.RenditionName `json:"rendition,omitempty"`
	Kbps      int                    `json:"kbps,omitempty"`
}

func view(agent Agent, started, now time.Time) agentView {
	s := agent.Status()
	v := agentView{
		Version: s.Version, Started: started.UTC(), UptimeS: int64(now.Sub(started) / time.Second), Stuck: words(agent.Stuck()),
		Network: s.Network, MediaPort: s.MediaPort, Cameras: []cameraView{}, now: now,
	}
	for n := range s.Cameras {
		v.Cameras = append(v.Cameras, viewCamera(&s.Cameras[n]))
	}
	return v
}

func viewCamera(c *device.CameraStatus) cameraView {
	v := cameraView{
		ID: c.ID, Device: c.Device, Error: words(c.Err), Sources: []sourceView{}, Sessions: []sessionView{},
		Link: linkView{
			Up: c.Link.Up, Transport: c.Link.Transport, Since: moment(c.Link.Since), Fallback: c.Link.Fallback,
			Error: words(c.Link.Err), Retry: moment(c.Link.Retry),
		},
	}
	for _, s := range c.Sources {
		v.Sources = append(v.Sources, sourceView{
			Rendition: s.Name, Source: s.Source, State: string(s.State), Since: moment(s.Since), Error: words(s.Err),
			Retry: moment(s.Retry), Codec: s.Codec, Width: s.Width, Height: s.Height,
		})
	}
	for _, s := range c.Sessions {
		v.Sessions = append(v.Sessions, sessionView{
			Session: s.Session, Since: s.Since.UTC(), Path: s.Path.Kind, Means: s.Path.Means, Rendition: s.Stats.Rendition,
			Kbps: int(s.Stats.BitrateKbps),
		})
	}
	return v
}

func words(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

func moment(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

func writeJSON(w http.ResponseWriter, v agentView) {
	w.Header().Set("Content-Type", "application/json")
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	_ = encoder.Encode(v) // whoever asked may have gone
}
