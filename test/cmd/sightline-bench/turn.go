//go:build linux

package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"net/netip"
	"os"
	"strings"
	"time"

	"github.com/sightline-rtc/sightline/test/turnload"
)

// turnReport is what `turn` prints.
type turnReport struct {
	OfferedPPS float64 `json:"offered_pps"`
	RelayedPPS float64 `json:"relayed_pps"`
	LossPct    float64 `json:"loss_pct"`
	// CPUUSPerPacket is the server's time on the CPU, user and system, per packet that arrived.
	CPUUSPerPacket float64 `json:"cpu_us_per_packet"`
	// RSSMB is the server's resident memory at the end.
	RSSMB float64 `json:"rss_mb"`
}

const turnHelp = `usage: sightline-bench turn --server HOST:PORT --credentials FILE --pid PID [flags]

Loads a TURN server, whosever it is, with sessions that send bursts of equal packets, as cameras do: down is from the peer
to the TURN client. A line of the file is "username password", or JSON as ` + "`sightline turn credentials --json`" + ` prints it; each
session takes the next one, from the beginning again when there are too few. The process is the server's, on this
machine: its CPU time (/proc/PID/stat) over the measured interval is divided by the packets that arrived in it. The
delays on stderr are from the sending of a burst to the arrival of a packet; direct is the same without a server.

`

// turnOrder is what the flags of turn ask for.
type turnOrder struct {
	server, credentials string
	peer                string
	sessions            int
	load                turnload.Config
	direction           string
	length              time.Duration
	pid                 int
	json                bool
}

// turnServer loads a TURN server that runs already.
func turnServer(ctx context.Context, args []string, out, log io.Writer) error {
	o, err := turnFlags(args, log)
	if err != nil {
		return err
	}
	list, err := readCredentials(o.credentials)
	if err != nil {
		return err
	}
	up := o.direction == "up"
	point, err := measureTurn(ctx, turnTarget{o.load, o.pid, list, cpuTime}, turnShape{o.sessions, up, o.length})
	if err != nil {
		return err
	}
	if !o.json {
		direct, err := measureDirect(ctx, o.load, turnShape{o.sessions, up, min(o.length, time.Second)})
		if err != nil {
			return err
		}
		fmt.Fprintf(log, "delay: p50 %v, p99 %v; direct: p50 %v, p99 %v\n", point.load.P50, point.load.P99, direct.P50, direct.P99)
	}
	return json.NewEncoder(out).Encode(point.report())
}

func turnFlags(args []string, log io.Writer) (o turnOrder, err error) {
	flags := flagsOf("turn", turnHelp, log)
	flags.StringVar(&o.server, "server", "", "`HOST:PORT` of the TURN server")
	flags.StringVar(&o.credentials, "credentials", "", "`file` of credentials, one a line")
	flags.StringVar(&o.peer, "peer-address", "", "`address` of the peers (default: the one from which this machine reaches the server)")
	flags.IntVar(&o.sessions, "sessions", 50, "allocations, each with a peer of its own")
	flags.IntVar(&o.load.PPS, "pps", 20_000, "packets a second, over all sessions")
	flags.IntVar(&o.load.Size, "size", 1200, "bytes of a packet's payload")
	flags.IntVar(&o.load.Burst, "burst", 14, "packets that a session sends at a time: 14 are a camera's frame, 60 a keyframe")
	flags.StringVar(&o.direction, "direction", "down", "down: from the peers to the clients; up: from the clients")
	length := flags.Float64("seconds", 10, "how long to measure")
	flags.StringVar(&o.load.Transport, "transport", turnload.UDP, "of the clients: udp, tcp or tls")
	flags.IntVar(&o.pid, "pid", 0, "process `id` of the server")
	flags.BoolVar(&o.json, "json", false, "print the figures alone, no delays")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.length = time.Duration(*length * float64(time.Second))
	switch {
	case o.server == "" || o.credentials == "" || o.pid <= 0:
		return o, errors.New("--server, --credentials and --pid are needed")
	case o.sessions < 1 || o.sessions > 5000 || o.load.PPS < 1 || o.load.Size < 1 || o.load.Burst < 1:
		return o, errors.New("--sessions is 1 to 5000, --pps, --size and --burst at least 1")
	case o.direction != "up" && o.direction != "down":
		return o, errors.New("--direction is up or down")
	case o.length <= 0 || o.length > time.Hour:
		return o, errors.New("--seconds is more than 0 and at most 3600")
	}
	err = o.resolve()
	return o, err
}

// resolve finds the server's address and those of this machine's sockets.
func (o *turnOrder) resolve() error {
	at, err := net.ResolveUDPAddr("udp", o.server)
	if err != nil {
		return err
	}
	o.load.Server = netip.AddrPortFrom(at.AddrPort().Addr().Unmap(), at.AddrPort().Port())
	host, _, err := net.SplitHostPort(o.server)
	if err != nil {
		return err
	}
	o.load.TLS = measuredTLS(host)
	conn, err := net.DialUDP("udp", nil, net.UDPAddrFromAddrPort(o.load.Server)) // sends nothing
	if err != nil {
		return err
	}
	local, err := netip.ParseAddrPort(conn.LocalAddr().String())
	if err = errors.Join(err, conn.Close()); err != nil {
		return err
	}
	o.load.Client, o.load.Peer = local.Addr(), local.Addr()
	if o.peer != "" {
		o.load.Peer, err = netip.ParseAddr(o.peer)
	}
	return err
}

// measuredTLS does not ask who the server is: it is measured, not trusted.
func measuredTLS(host string) *tls.Config {
	return &tls.Config{ServerName: host, InsecureSkipVerify: true, MinVersion: tls.VersionTLS12}
}

// readCredentials reads the lines that `sightline turn credentials` prints, with or without --json.
func readCredentials(name string) ([]turnload.Credentials, error) {
	file, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	list, err := scanCredentials(file)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", name, err)
	}
	return list, nil
}

func scanCredentials(from io.Reader) (list []turnload.Credentials, err error) {
	lines := bufio.NewScanner(from)
	for lines.Scan() {
		line := strings.TrimSpace(lines.Text())
		if line == "" {
			continue
		}
		var c turnload.Credentials
		if strings.HasPrefix(line, "{") {
			err = json.Unmarshal([]byte(line), &c)
		} else {
			c.Username, c.Password, _ = strings.Cut(line, " ")
		}
		if err != nil || c.Username == "" || c.Password == "" {
			return nil, errors.New(`a line is not "username password", nor JSON with both`)
		}
		list = append(list, c)
	}
	if len(list) == 0 && lines.Err() == nil {
		return nil, errors.New("there are no credentials")
	}
	return list, lines.Err()
}

func rounded(value float64, digits int) float64 {
	unit := math.Pow10(digits)
	return math.Round(value*unit) / unit
}
