//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"github.com/sightline-rtc/sightline/test/natlab"
	"github.com/sightline-rtc/sightline/test/turnload"
)

// The networks of compare.
const (
	loopback = "loopback"
	veth     = "veth"
)

// comparePeers is what our relay must be told to allow: the addresses of both networks.
const comparePeers = "10.77.0.0/16,10.88.0.0/16"

// stage is a network with a place for the servers, and what a load in it has in common.
type stage struct {
	lab    *natlab.Lab
	server *natlab.Host
	// address is that of the servers.
	address netip.Addr
	load    turnload.Config
}

func buildStage(ctx context.Context, name string) (*stage, error) {
	if name == loopback {
		return buildLoopback(ctx)
	}
	lab, err := natlab.New(ctx, "client", "server", "peer")
	if err != nil {
		return nil, err
	}
	client, server, peer := lab.Host("client"), lab.Host("server"), lab.Host("peer")
	return &stage{lab, server, server.Addr, turnload.Config{
		ClientNetwork: client, PeerNetwork: peer, Client: client.Addr, Peer: peer.Addr, TLS: measuredTLS(server.Addr.String()),
	}}, nil
}

// buildLoopback makes a whole network of the loopback interface: no relay of ours talks to 127.0.0.1, nor to an address that
// one of its interfaces has. The kernel takes all addresses of a network of lo's for its own, as it does with 127.0.0.0/8.
func buildLoopback(ctx context.Context) (*stage, error) {
	lab, err := natlab.New(ctx, "alone")
	if err != nil {
		return nil, err
	}
	host := lab.Host("alone")
	if out, err := host.Command(ctx, "ip", "addr", "add", "10.88.0.1/16", "dev", "lo").CombinedOutput(); err != nil {
		return nil, errors.Join(fmt.Errorf("give lo a network: %w: %s", err, out), lab.Close())
	}
	at := netip.MustParseAddr("10.88.0.1")
	return &stage{lab, host, at, turnload.Config{
		ClientNetwork: host, PeerNetwork: host, TLS: measuredTLS(at.String()),
		Client: netip.MustParseAddr("10.88.1.1"), Peer: netip.MustParseAddr("10.88.2.1"),
	}}, nil
}
