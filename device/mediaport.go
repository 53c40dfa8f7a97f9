package device

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/sightline-rtc/sightline/device/reach"
)

const mediaPortFile = "media-port.json"

// mediaPort is the memory of the port that was drawn, so that the device has the same one after a restart: routers and
// NATs still know it then.
type mediaPort struct {
	Port uint16 `json:"port"`
}

// openPort opens the media port, by preference the one of the time before.
func (a *Agent) openPort() (*reach.Port, error) {
	c := a.config.Reach
	known, err := a.state.mediaPort()
	if err != nil {
		a.config.Logger.Warn("media port not remembered", "err", err)
	}
	c.Preferred = known
	port, err := reach.Open(c)
	if err != nil {
		return nil, fmt.Errorf("open media port: %w", err)
	}
	return port, nil
}

// keepPort remembers the media port. When it cannot, the next start has another one.
func (a *Agent) keepPort(port *reach.Port) {
	known, err := a.state.mediaPort()
	if err == nil && known == port.Number() {
		return
	}
	if err := a.state.saveMediaPort(port.Number()); err != nil {
		a.config.Logger.Warn("media port not remembered", "err", err)
	}
}

// mediaPort returns the port of the time before, 0 if there is none.
func (s state) mediaPort() (uint16, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, mediaPortFile))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read media port: %w", err)
	}
	return decodeMediaPort(text)
}

func decodeMediaPort(text []byte) (uint16, error) {
	var known mediaPort
	if err := json.Unmarshal(text, &known); err != nil {
		return 0, fmt.Errorf("read media port: %w", err)
	}
	return known.Port, nil
}

func (s state) saveMediaPort(number uint16) error {
	text, err := json.Marshal(mediaPort{number})
	if err != nil {
		return fmt.Errorf("encode media port: %w", err)
	}
	if err := replace(filepath.Join(s.dir, mediaPortFile), append(text, '\n')); err != nil {
		return fmt.Errorf("save media port: %w", err)
	}
	return nil
}
