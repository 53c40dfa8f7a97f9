package device

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/sightline-rtc/sightline/device/portmap"
	"github.com/sightline-rtc/sightline/device/reach"
)

const (
	mediaPortFile = "media-port.json"
	// maxKeptServers bounds the STUN servers that are remembered: more than a hub names.
	maxKeptServers = 8
)

// mediaPort is the memory of the media port.
type mediaPort struct {
	// Port is the one that was drawn, so that the device has the same one after a restart: routers and NATs know it then.
	Port uint16 `json:"port"`
	// STUN are the servers that the hub named last, which can be asked before the link is up.
	STUN []string `json:"stun,omitempty"`
}

// openPort opens the media port, by preference the one of the time before.
func (a *Agent) openPort() (*reach.Port, error) { return a.openPortAs(a.config.Reach) }

func (a *Agent) openPortAs(c reach.Config) (*reach.Port, error) {
	known, err := a.state.mediaPort()
	if err != nil {
		a.config.Logger.Warn("media port not recalled", "err", err)
	}
	c.Preferred = known.Port
	if !a.config.NoPortMapping {
		c.Mapper = portmap.New(portmap.Config{Seed: a.mapperSeed(), Logger: a.config.Logger})
	}
	port, err := reach.Open(c)
	if err != nil {
		return nil, fmt.Errorf("open media port: %w", err)
	}
	port.SetServers(known.STUN)
	return port, nil
}

// mapperSeed is what makes the device the same asker for routers after a restart; nil before it has a key.
func (a *Agent) mapperSeed() []byte {
	key, err := a.cameras[0].state.key()
	if err != nil {
		return nil // of which Run tells
	}
	seed := sha256.Sum256(append([]byte("sightline port mapping "), key.Seed()...))
	return seed[:]
}

// remember changes the memory of the media port. When it cannot, the next start has another port, or is slower to know its
// address, and nothing else is the worse for it.
func (a *Agent) remember(change func(*mediaPort)) {
	a.remembering.Lock()
	defer a.remembering.Unlock()
	known, err := a.state.mediaPort()
	now := known
	change(&now)
	if err == nil && now.Port == known.Port && slices.Equal(now.STUN, known.STUN) {
		return
	}
	if err := a.state.saveMediaPort(now); err != nil {
		a.config.Logger.Warn("media port not remembered", "err", err)
	}
}

// mediaPort returns what is remembered; the zero value if that is nothing.
func (s state) mediaPort() (mediaPort, error) {
	text, err := os.ReadFile(filepath.Join(s.dir, mediaPortFile))
	if errors.Is(err, fs.ErrNotExist) {
		return mediaPort{}, nil
	}
	if err != nil {
		return mediaPort{}, fmt.Errorf("read media port: %w", err)
	}
	return decodeMediaPort(text)
}

func decodeMediaPort(text []byte) (mediaPort, error) {
	var known mediaPort
	if err := json.Unmarshal(text, &known); err != nil {
		return mediaPort{}, fmt.Errorf("read media port: %w", err)
	}
	if len(known.STUN) > maxKeptServers {
		return mediaPort{}, errors.New("read media port: more servers than are ever written")
	}
	for _, url := range known.STUN {
		if err := reach.CheckServer(url); err != nil {
			return mediaPort{}, fmt.Errorf("read media port: %w", err)
		}
	}
	return known, nil
}

func (s state) saveMediaPort(m mediaPort) error {
	text, err := json.Marshal(m)
	if err != nil {
		return fmt.Errorf("encode media port: %w", err)
	}
	if err := replace(filepath.Join(s.dir, mediaPortFile), append(text, '\n')); err != nil {
		return fmt.Errorf("save media port: %w", err)
	}
	return nil
}
