package device

import (
	"fmt"
	"log/slog"
	"regexp"

	"github.com/sightline-rtc/sightline/auth"
	"github.com/sightline-rtc/sightline/device/source"
	"github.com/sightline-rtc/sightline/protocol"
)

// CameraConfig is one camera of an agent, which to the hub is a device of its own.
type CameraConfig struct {
	// ID tells several cameras of one agent apart: in its log, and as the directory of the camera's key and identity, which
	// is State/ID. It is empty for an agent of one camera, whose key and identity are in State itself.
	ID string
	// Enrol is the one-time code with which the device joins its project. It is not looked at once the device has.
	Enrol auth.Secret
	// Name and Model say what the device is, when it enrols.
	Name, Model string
	// Source says where the picture comes from, as in device/source; empty means the test picture.
	Source string
	// Sub says where a smaller picture of the same scene comes from; empty means that there is none.
	Sub string
	// Talk is the loudspeaker: "exec:COMMAND", which gets 16-bit mono samples at 8 kHz on its standard input, or "off"; empty
	// means that of the source, if it has one.
	Talk string
	// ONVIF is the camera's device service, and Snapshot where its JPEG is, as in source.CameraConfig; both may be empty.
	ONVIF, Snapshot string
	// Warm keeps the sources open without viewers.
	Warm bool
	// MaxSessions is how many viewers the device serves at once; 0 means protocol.DefaultMaxSessions.
	MaxSessions int
}

// maxSessions is the most that a hello may say.
const maxSessions = 1000

// cameraID is what a camera may be called within its agent: a name of a directory everywhere.
var cameraID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$`)

// Check finds what could only end in surprise, and says it in words without a secret. It does no I/O.
func (c *CameraConfig) Check() error {
	_, err := c.open(slog.New(slog.DiscardHandler))
	return err
}

// open makes what the pictures come from.
func (c *CameraConfig) open(log *slog.Logger) (*source.Camera, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	return source.OpenCamera(source.CameraConfig{
		Name: c.Name, Source: c.Source, Sub: c.Sub, Talk: c.Talk, ONVIF: c.ONVIF, Snapshot: c.Snapshot, Warm: c.Warm, Logger: log,
	})
}

func (c *CameraConfig) check() error {
	switch {
	case c.ID != "" && !cameraID.MatchString(c.ID):
		return fmt.Errorf("an id has 1 to 64 letters, digits, hyphens and underscores and begins with a letter or digit, unlike %q", c.ID)
	case c.MaxSessions < 0 || c.MaxSessions > maxSessions:
		return fmt.Errorf("a device serves 1 to %d viewers at once, not %d", maxSessions, c.MaxSessions)
	case len(c.Name) > protocol.MaxNameBytes || len(c.Model) > protocol.MaxNameBytes:
		return fmt.Errorf("the name and the model have at most %d bytes", protocol.MaxNameBytes)
	}
	return nil
}

// blame says which of several cameras an error is about.
func (c *CameraConfig) blame(err error) error {
	if c.ID == "" {
		return err
	}
	return fmt.Errorf("camera %s: %w", c.ID, err)
}
