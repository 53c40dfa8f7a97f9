//go:build linux

package natlab

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// Protocols are ways to ask a router for a port. Zero means all of them.
type Protocols uint8

// The protocols that miniupnpd speaks.
const (
	PCP    Protocols = 1 << iota // RFC 6887
	NATPMP                       // RFC 6886
	UPnP                         // UPnP IGD version 2
)

const allProtocols = PCP | NATPMP | UPnP

// Mapper is miniupnpd on the device's home router, the program of most such routers. It maps every port to whoever asks for
// its own address, for 10 s or longer. Behind a carrier its own address outside is a private one: it answers, and maps
// nothing. It is safe for concurrent use.
type Mapper struct {
	router *Host
	folder string

	mu     sync.Mutex // guards what follows
	daemon *exec.Cmd  // nil while it does not run
	ask    func()     // asks the daemon to end
}

// Mapper returns what maps ports for the device, nil where nothing does: without TownConfig.Mapping, and where the device
// has a public address or no UDP. A rebuilt town has another.
func (t *Town) Mapper() *Mapper { return t.mapper }

// maps: the type has a home router that people have at home.
func (t Type) maps() bool {
	return !t.public() && t != UDPBlocked && t != OnlyWeb
}

// mappings are the chains that miniupnpd writes to, before the translator's own. PCP and NAT-PMP share a port, and
// miniupnpd speaks both or none: the first byte tells them apart, 2 and 0.
const mappings = `table inet upnp
delete table inet upnp
table inet upnp {
	chain refuse {
		type filter hook input priority filter - 1
%s	}
	chain miniupnpd { }
	chain prerouting_miniupnpd { }
	chain postrouting_miniupnpd { }
	chain forward {
		type filter hook forward priority filter - 1
		jump miniupnpd
	}
	chain inward {
		type nat hook prerouting priority dstnat - 1
		jump prerouting_miniupnpd
	}
	chain outward {
		type nat hook postrouting priority srcnat - 1
		jump postrouting_miniupnpd
	}
}
`

// mapperConfig lets miniupnpd count its epoch from its own start, so that a restart shows.
const mapperConfig = `ext_ifname=wan0
listening_ip=lan0
ipv6_disable=yes
http_port=%d
enable_natpmp=%s
enable_upnp=%s
min_lifetime=10
max_lifetime=86400
secure_mode=yes
system_uptime=no
upnp_table_name=upnp
upnp_nat_table_name=upnp
upnp_forward_chain=miniupnpd
upnp_nat_chain=prerouting_miniupnpd
upnp_nat_postrouting_chain=postrouting_miniupnpd
uuid=73696768-746c-696e-6500-000000000001
allow 1-65535 0.0.0.0/0 1-65535
`

const (
	mappingPort  = 5351 // of PCP and NAT-PMP
	descriptions = 5000 // where miniupnpd describes itself by HTTP
)

// Start lets it run with some protocols and no mappings; it must not run.
func (m *Mapper) Start(ctx context.Context, protocols Protocols) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.daemon != nil {
		return errors.New("start miniupnpd: it runs")
	}
	return m.start(ctx, protocols)
}

// Stop ends it as a router's web page does: it says goodbye to UPnP's listeners, and its mappings are taken back. Who has come
// in by one stays. Stopping twice is harmless.
func (m *Mapper) Stop(ctx context.Context) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(os.Interrupt)
	return m.chains(ctx, 0)
}

// Restart is what a power cut of the router does: it forgets its mappings, and whom it translates, without a word, and comes
// back with some protocols.
func (m *Mapper) Restart(ctx context.Context, protocols Protocols) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(os.Kill)
	if err := m.chains(ctx, 0); err != nil {
		return err
	}
	if err := m.router.Forget(ctx); err != nil {
		return err
	}
	return m.start(ctx, protocols)
}

// Mappings returns the rules by which ports are mapped at the moment, in nftables' words.
func (m *Mapper) Mappings(ctx context.Context) ([]string, error) {
	out, err := output(m.router.Command(ctx, "nft", "list", "chain", "inet", "upnp", "prerouting_miniupnpd"))
	if err != nil {
		return nil, err
	}
	var rules []string
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "dnat") {
			rules = append(rules, strings.TrimSpace(line))
		}
	}
	return rules, nil
}

func (m *Mapper) start(ctx context.Context, protocols Protocols) error {
	if protocols == 0 {
		protocols = allProtocols
	}
	if err := m.chains(ctx, protocols); err != nil {
		return err
	}
	yes := func(either Protocols) string {
		if protocols&either != 0 {
			return "yes"
		}
		return "no"
	}
	config := filepath.Join(m.folder, "miniupnpd.conf")
	text := fmt.Sprintf(mapperConfig, descriptions, yes(PCP|NATPMP), yes(UPnP))
	if err := os.WriteFile(config, []byte(text), 0o600); err != nil {
		return err
	}
	log, err := os.Create(filepath.Join(m.folder, "miniupnpd.log"))
	if err != nil {
		return err
	}
	defer log.Close()
	// It lives until Stop: the context is only that of its start.
	life, ask := context.WithCancel(context.WithoutCancel(ctx))
	daemon := m.router.Command(life, "miniupnpd", "-d", "-f", config, "-P", filepath.Join(m.folder, "miniupnpd.pid"))
	daemon.Stdout, daemon.Stderr = log, log
	daemon.Cancel = func() error { return daemon.Process.Signal(os.Interrupt) }
	daemon.WaitDelay = patience
	if err := daemon.Start(); err != nil {
		ask()
		return err
	}
	m.daemon, m.ask = daemon, ask
	return m.wait(ctx, protocols)
}

// chains makes miniupnpd's chains anew, without mappings.
func (m *Mapper) chains(ctx context.Context, protocols Protocols) error {
	var refused []string
	for protocol, version := range map[Protocols]int{PCP: 2, NATPMP: 0} {
		if protocols&protocol == 0 {
			refused = append(refused, fmt.Sprintf("udp dport %d @th,64,8 %d drop", mappingPort, version))
		}
	}
	return m.router.Filter(ctx, fmt.Sprintf(mappings, lines(2, refused)))
}

// wait returns once everything that was asked for listens.
func (m *Mapper) wait(ctx context.Context, protocols Protocols) error {
	table := func(name string) string {
		text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/net/%s", m.daemon.Process.Pid, name))
		return string(text)
	}
	listens := func() bool {
		if protocols&(PCP|NATPMP) != 0 && !strings.Contains(table("udp"), fmt.Sprintf(":%04X ", mappingPort)) {
			return false
		}
		return protocols&UPnP == 0 || strings.Contains(table("tcp"), fmt.Sprintf(":%04X ", descriptions))
	}
	for deadline := time.Now().Add(patience); !listens(); time.Sleep(5 * time.Millisecond) {
		if ctx.Err() != nil || time.Now().After(deadline) {
			said, _ := os.ReadFile(filepath.Join(m.folder, "miniupnpd.log"))
			m.end(os.Kill)
			return errors.Join(fmt.Errorf("start miniupnpd: it does not listen: %s", said), ctx.Err())
		}
	}
	return nil
}

// kill ends it without a word.
func (m *Mapper) kill() {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.end(os.Kill)
}

// end lets the daemon end, by force if it takes its time.
func (m *Mapper) end(how os.Signal) {
	if m.daemon == nil {
		return
	}
	// What these return says how it ended.
	if how == os.Kill {
		_ = m.daemon.Process.Kill()
	} else {
		m.ask()
	}
	_ = m.daemon.Wait()
	m.ask()
	m.daemon = nil
}
