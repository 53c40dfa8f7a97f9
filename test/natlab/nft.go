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

// Cut is a way between two hosts on which packets are dropped.
type Cut struct {
	router *Host
	table  string
}

// Cut drops what travels between two hosts, both ways: proto is "udp", "tcp", or "" for everything.
func (l *Lab) Cut(ctx context.Context, a, b *Host, proto string) (*Cut, error) {
	match := ""
	if proto != "" {
		match = "meta l4proto " + proto + " "
	}
	c := &Cut{router: l.router, table: fmt.Sprintf("cut%d", l.cuts.Add(1))}
	err := l.router.Filter(ctx, fmt.Sprintf(`table inet %s {
	chain forward {
		type filter hook forward priority 0
		ip saddr %[2]s ip daddr %[3]s %[4]sdrop
		ip saddr %[3]s ip daddr %[2]s %[4]sdrop
	}
}`, c.table, a.Addr, b.Addr, match))
	if err != nil {
		return nil, fmt.Errorf("cut %s from %s: %w", a.Name, b.Name, err)
	}
	return c, nil
}

// Mend lets packets pass again.
func (c *Cut) Mend(ctx context.Context) error {
	return c.router.Filter(ctx, "delete table inet "+c.table)
}
