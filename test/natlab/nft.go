//go:build linux

package natlab

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
)

// Count is what an nftables counter saw. Bytes are whole IP packets, headers included.
type Count struct {
	Packets uint64 `json:"packets"`
	Bytes   uint64 `json:"bytes"`
}

// Filter loads an nftables ruleset on the host.
func (h *Host) Filter(ctx context.Context, ruleset string) error {
	cmd := h.Command(ctx, "nft", "-f", "-")
	cmd.Stdin = strings.NewReader(ruleset)
	return run(cmd)
}

// Counters returns the named counters of a table of family inet.
func (h *Host) Counters(ctx context.Context, table string) (map[string]Count, error) {
	out, err := output(h.Command(ctx, "nft", "--json", "list", "counters", "table", "inet", table))
	if err != nil {
		return nil, err
	}
	var listing struct {
		Objects []struct {
			Counter *struct {
				Name string `json:"name"`
				Count
			} `json:"counter"`
		} `json:"nftables"`
	}
	if err := json.Unmarshal(out, &listing); err != nil {
		return nil, fmt.Errorf("read nft's answer: %w", err)
	}
	counters := make(map[string]Count)
	for _, o := range listing.Objects {
		if o.Counter != nil {
			counters[o.Counter.Name] = o.Counter.Count
		}
	}
	return counters, nil
}
