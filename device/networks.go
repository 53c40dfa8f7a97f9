package device

import (
	"encoding/json"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/sightline-rtc/sightline/protocol"
)

const (
	networksFile = "networks.json"
	// maxNetworks bounds what is remembered: more than a camera sees in a day.
	maxNetworks = 16
	// networkLife is how long a network counts as one that lets no WebSocket through: it may be mended.
	networkLife = 24 * time.Hour
	// networkRefresh is how old an entry must be to be written again: flash memory wears out.
	networkRefresh = time.Hour
)

// networks is the memory of an uplink, in a file of the state directory. A file that is missing or damaged is one
// that remembers nothing: no more than a slow start is lost with it. It is safe for concurrent use.
type networks struct {
	path   string
	logger *slog.Logger
	// mu is held while the file is read or replaced.
	mu sync.Mutex
}

// network is one entry.
type network struct {
	Why protocol.Fallback `json:"why"`
	At  time.Time         `json:"at"`
}

func newNetworks(s state, logger *slog.Logger) *networks {
	return &networks{path: filepath.Join(s.dir, networksFile), logger: logger}
}

// Recall implements uplink.Memory.
func (n *networks) Recall(key string) (protocol.Fallback, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	known, ok := n.read()[key]
	return known.Why, ok
}

// Keep implements uplink.Memory.
func (n *networks) Keep(key string, why protocol.Fallback) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.read()
	if known, ok := all[key]; ok && known.Why == why && time.Since(known.At) < networkRefresh {
		return
	}
	all[key] = network{Why: why, At: time.Now()}
	for len(all) > maxNetworks {
		delete(all, oldest(all))
	}
	n.write(all)
}

// Forget implements uplink.Memory.
func (n *networks) Forget(key string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	all := n.read()
	if _, ok := all[key]; !ok {
		return
	}
	delete(all, key)
	n.write(all)
}

// read returns what is remembered and not too old; also not from a time to come, as of a clock that was wrong.
func (n *networks) read() map[string]network {
	text, err := os.ReadFile(n.path)
	if errors.Is(err, fs.ErrNotExist) {
		return map[string]network{}
	}
	var all map[string]network
	if err == nil {
		all, err = decodeNetworks(text)
	}
	if err != nil {
		n.logger.Warn("remembered networks not read", "path", n.path, "err", err)
		return map[string]network{}
	}
	for key, known := range all {
		if age := time.Since(known.At); age < 0 || age > networkLife {
			delete(all, key)
		}
	}
	return all
}

func decodeNetworks(text []byte) (map[string]network, error) {
	var all map[string]network
	if err := json.Unmarshal(text, &all); err != nil {
		return nil, err
	}
	if len(all) > maxNetworks {
		return nil, errors.New("more networks than are ever written")
	}
	for _, known := range all {
		if !known.Why.Reason.Known() || len(known.Why.Detail) > protocol.MaxFallbackDetailBytes {
			return nil, errors.New("a reason that is never written")
		}
	}
	if all == nil {
		all = map[string]network{}
	}
	return all, nil
}

// write replaces the file. When it cannot, the next start is slower, and nothing else is the worse for it.
func (n *networks) write(all map[string]network) {
	text, err := json.MarshalIndent(all, "", "  ")
	if err == nil {
		err = replace(n.path, append(text, '\n'))
	}
	if err != nil {
		n.logger.Warn("network not remembered", "path", n.path, "err", err)
	}
}

func oldest(all map[string]network) (key string) {
	for k, known := range all {
		if key == "" || known.At.Before(all[key].At) {
			key = k
		}
	}
	return key
}
