//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"fmt"
)

// Traffic is what has passed a host's interface since it was made. Bytes are whole frames.
type Traffic struct{ In, Out Count }

// Traffic returns what has passed the host's eth0.
func (h *Host) Traffic(ctx context.Context) (Traffic, error) {
	out, err := output(h.Command(ctx, "ip", "-json", "-statistics", "link", "show", "dev", "eth0"))
	if err != nil {
		return Traffic{}, err
	}
	var links []struct {
		Stats struct {
			In  Count `json:"rx"`
			Out Count `json:"tx"`
		} `json:"stats64"`
	}
	if err := json.Unmarshal(out, &links); err != nil || len(links) != 1 {
		return Traffic{}, fmt.Errorf("read ip's answer %q: %w", out, err)
	}
	return Traffic(links[0].Stats), nil
}
