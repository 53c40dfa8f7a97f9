//go:build linux

package reach

import (
	"context"
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/sightline-rtc/sightline/device/reach"
	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/rig"
)

// patience bounds what a test waits for; nothing is asserted about how long things take.
const patience = 60 * time.Second

// programs is the directory of the server and the agent.
var programs string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	var err error
	if programs, err = os.MkdirTemp("", "sightline-reach-"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(programs) }()
	build := exec.Command("go", "build", "-o", programs,
		"github.com/sightline-rtc/sightline/cmd/sightline", "github.com/sightline-rtc/sightline/cmd/sightline-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build the programs: %v\n%s", err, out)
		return 1
	}
	// Towns wait for answers that do not come: more of them than there are processors.
	if err := flag.Set("test.parallel", "6"); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return m.Run()
}

// stage is a town with the server in it, whose STUN has two addresses with two ports each.
type stage struct {
	*natlab.Town
	// data is the server's directory.
	data string
}

// hub is the server's URL.
func (s *stage) hub() string { return "http://" + net.JoinHostPort(s.Server().Addr.String(), "8080") }

func built(t *testing.T, config natlab.TownConfig) *stage {
	t.Helper()
	if err := natlab.Usable(); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skip(err)
	}
	town, err := natlab.NewTown(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := town.Close(); err != nil {
			t.Errorf("close the town: %v", err)
		}
	})
	log, err := os.Create(filepath.Join(t.TempDir(), "server.log"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := log.Close(); err != nil {
			t.Errorf("close the log: %v", err)
		}
	})
	data := t.TempDir()
	server := town.Server().Command(context.Background(), filepath.Join(programs, "sightline"), "serve", "--data", data, "--metrics-listen", "off",
		"--listen", net.JoinHostPort(town.Server().Addr.String(), "8080"), "--turn-listen", ":3478", "--turn-alt-port", "3479")
	var ready struct{}
	process, err := rig.Launch(t.Context(), "sightline", server, log, &ready)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(process.Kill)
	return &stage{town, data}
}

// stun are the URLs of the server's two addresses.
func stun(town *stage) []string {
	var urls []string
	for _, addr := range []netip.Addr{town.Server().Addr, town.Server().Second()} {
		urls = append(urls, "stun:"+netip.AddrPortFrom(addr, 3478).String())
	}
	return urls
}

// port runs a media port on the device until the test ends.
func port(t *testing.T, town *stage, cfg reach.Config) *reach.Port {
	t.Helper()
	host := town.Device()
	listen := func(number string) (net.PacketConn, error) {
		return host.ListenPacket(context.Background(), "udp", net.JoinHostPort(host.Addr.String(), number))
	}
	socket, err := listen("40000")
	if err != nil {
		t.Fatal(err)
	}
	cfg.Socket, cfg.Servers = socket, stun(town)
	cfg.Probe = func() (net.PacketConn, error) { return listen("0") }
	p, err := reach.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	var work sync.WaitGroup
	work.Go(func() {
		for b := make([]byte, 1500); ; {
			if _, _, err := p.Conn().ReadFrom(b); err != nil {
				return
			}
		}
	})
	work.Go(func() {
		if err := p.Run(ctx); err != nil {
			t.Errorf("run the media port: %v", err)
		}
	})
	t.Cleanup(func() {
		stop()
		if err := p.Close(); err != nil {
			t.Errorf("close the media port: %v", err)
		}
		work.Wait()
	})
	return p
}

// assessed waits until the port knows its network.
func assessed(t *testing.T, p *reach.Port) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	p.Assessed(ctx)
	if err := ctx.Err(); err != nil {
		t.Fatalf("assess the network: %v", err)
	}
}
