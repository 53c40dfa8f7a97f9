//go:build linux

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/stun/v4"
	"golang.org/x/sync/errgroup"
)

const (
	// floodSockets is from how many ports a flood comes: a server that remembers clients has something to remember.
	floodSockets = 64
	// floodTick is how often the packets that are due are sent.
	floodTick = 2 * time.Millisecond
)

// floodReport is what `flood` prints for each kind.
type floodReport struct {
	Kind    string  `json:"kind"`
	SentPPS float64 `json:"sent_pps"`
	// InBytes and OutBytes are what the server was sent and has sent, as UDP payload.
	InBytes  uint64 `json:"in_bytes"`
	OutBytes uint64 `json:"out_bytes"`
	// CPUUSPerPacket is the server's time on the CPU, user and system, for each packet or connection that it was sent.
	CPUUSPerPacket float64 `json:"cpu_us_per_packet"`
	// RSSGrowthMB is how much resident memory the server has more than before.
	RSSGrowthMB float64 `json:"rss_growth_mb"`
}

const floodHelp = `usage: sightline-bench flood --server HOST:PORT --pid PID [flags]

Sends a TURN server what strangers can send it, and tells what that costs. The process is the server's, on this machine.
The kinds, all of them unless one is named:
  binding   STUN Binding requests
  bare      Allocate requests without credentials
  forged    Allocate requests with a fresh nonce and a password that is guessed
  channel   ChannelData of clients that have no allocation
  streams   TCP connections that send half a frame and no more; --pps of them in all

`

// floodOrder is what the flags of flood ask for.
type floodOrder struct {
	server, kind string
	username     string
	pid          int
	pps          int
	length       time.Duration
}

var floodKinds = []string{"binding", "bare", "forged", "channel", "streams"}

// flood measures what strangers cost.
func flood(ctx context.Context, args []string, out, log io.Writer) error {
	var o floodOrder
	flags := flagsOf("flood", floodHelp, log)
	flags.StringVar(&o.server, "server", "", "`HOST:PORT` of the TURN server")
	flags.StringVar(&o.kind, "kind", "", "only this `kind`")
	flags.StringVar(&o.username, "username", inventedUser, "`username` that forged requests bear; one that the server made costs it more")
	flags.IntVar(&o.pid, "pid", 0, "the server's process")
	flags.IntVar(&o.pps, "pps", 20_000, "packets a second")
	flags.DurationVar(&o.length, "length", 5*time.Second, "how long each kind goes on")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if o.server == "" || o.pid == 0 {
		return errors.New("flood: --server and --pid are needed")
	}
	for _, kind := range floodKinds {
		if o.kind != "" && o.kind != kind {
			continue
		}
		report, err := o.measure(ctx, kind)
		if err != nil {
			return fmt.Errorf("flood with %s: %w", kind, err)
		}
		if err := json.NewEncoder(out).Encode(report); err != nil {
			return err
		}
	}
	return nil
}

func (o floodOrder) measure(ctx context.Context, kind string) (floodReport, error) {
	memory, err := residentMemory(o.pid)
	if err != nil {
		return floodReport{}, err
	}
	used, err := cpuTime(o.pid)
	if err != nil {
		return floodReport{}, err
	}
	began := time.Now()
	var sent, in, answered uint64
	if kind == "streams" {
		sent, err = o.streams(ctx)
	} else {
		sent, in, answered, err = o.datagrams(ctx, kind)
	}
	if err != nil {
		return floodReport{}, err
	}
	took := time.Since(began)
	after, err := cpuTime(o.pid)
	if err != nil {
		return floodReport{}, err
	}
	grown, err := residentMemory(o.pid)
	if err != nil {
		return floodReport{}, err
	}
	return floodReport{
		Kind: kind, SentPPS: math.Round(float64(sent) / took.Seconds()), InBytes: in, OutBytes: answered,
		CPUUSPerPacket: math.Round(float64((after-used).Microseconds())/float64(max(sent, 1))*100) / 100,
		RSSGrowthMB:    math.Round((grown-memory)/1e5) / 10,
	}, nil
}

// datagrams sends at an even rate and counts what comes back.
func (o floodOrder) datagrams(ctx context.Context, kind string) (sent, in, answered uint64, err error) {
	conns := make([]net.Conn, floodSockets)
	for i := range conns {
		if conns[i], err = (&net.Dialer{}).DialContext(ctx, "udp", o.server); err != nil {
			return 0, 0, 0, err
		}
		defer conns[i].Close()
	}
	message, err := o.message(kind, conns[0])
	if err != nil {
		return 0, 0, 0, err
	}
	var readers sync.WaitGroup
	var back atomic.Uint64
	for _, conn := range conns {
		readers.Go(func() {
			buffer := make([]byte, 2048)
			for {
				n, err := conn.Read(buffer)
				if err != nil && !errors.Is(err, os.ErrDeadlineExceeded) {
					continue // the server's port may be closed for a moment
				}
				if err != nil {
					return
				}
				back.Add(uint64(n)) //nolint:gosec // a length
			}
		})
	}
	tick := time.NewTicker(floodTick)
	defer tick.Stop()
	began := time.Now()
	for time.Since(began) < o.length && ctx.Err() == nil {
		<-tick.C
		for due := uint64(time.Since(began).Seconds() * float64(o.pps)); sent < due; sent++ {
			if _, err := conns[sent%floodSockets].Write(message); err == nil {
				in += uint64(len(message))
			}
		}
	}
	for _, conn := range conns {
		_ = conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond)) // the last answers
	}
	readers.Wait()
	return sent, in, back.Load(), ctx.Err()
}

// inventedUser has the form of a username of ours, which other servers do not look at.
const inventedUser = "4102444800:k.00000000000000000000000000000001.viewer"

// message makes the packet that is sent again and again.
func (o floodOrder) message(kind string, conn net.Conn) ([]byte, error) {
	allocate := stun.NewType(stun.MethodAllocate, stun.ClassRequest)
	switch kind {
	case "binding":
		return stun.MustBuild(stun.TransactionID, stun.BindingRequest).Raw, nil
	case "bare":
		return stun.MustBuild(stun.TransactionID, allocate).Raw, nil
	case "channel":
		return append([]byte{0x40, 0, 0x04, 0xB0}, make([]byte, 1200)...), nil
	}
	if _, err := conn.Write(stun.MustBuild(stun.TransactionID, allocate).Raw); err != nil {
		return nil, err
	}
	if err := conn.SetReadDeadline(time.Now().Add(time.Second)); err != nil {
		return nil, err
	}
	defer func() { _ = conn.SetReadDeadline(time.Time{}) }()
	challenge := &stun.Message{Raw: make([]byte, 2048)}
	n, err := conn.Read(challenge.Raw)
	if err != nil {
		return nil, fmt.Errorf("get a nonce: %w", err)
	}
	challenge.Raw = challenge.Raw[:n]
	var nonce stun.Nonce
	var realm stun.Realm
	if err := challenge.Decode(); err != nil {
		return nil, err
	}
	if err := challenge.Parse(&nonce, &realm); err != nil {
		return nil, fmt.Errorf("get a nonce: %w", err)
	}
	m, err := stun.Build(stun.TransactionID, allocate, stun.RawAttribute{Type: stun.AttrRequestedTransport, Value: []byte{17, 0, 0, 0}},
		stun.NewUsername(o.username), realm, nonce, stun.NewLongTermIntegrity(o.username, realm.String(), "guessed"))
	if err != nil {
		return nil, err
	}
	return m.Raw, nil
}

// streams opens connections that say half a frame, a hundred at once, and holds them for the length of the flood.
func (o floodOrder) streams(ctx context.Context) (uint64, error) {
	conns := make([]net.Conn, o.pps)
	defer func() {
		for _, c := range conns {
			if c != nil {
				_ = c.Close()
			}
		}
	}()
	var group errgroup.Group
	group.SetLimit(100)
	for i := range conns {
		group.Go(func() error {
			// From many addresses, as on loopback they can be had: one alone has fewer places.
			dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 1, byte(i>>7), 1)}} //nolint:gosec // the low bits
			c, err := dialer.DialContext(ctx, "tcp4", o.server)
			if err != nil {
				return err
			}
			conns[i] = c
			_, _ = c.Write([]byte{0x00, 0x01, 0x00}) // it may have been refused
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return 0, err
	}
	select {
	case <-ctx.Done():
	case <-time.After(o.length):
	}
	return uint64(len(conns)), ctx.Err()
}
