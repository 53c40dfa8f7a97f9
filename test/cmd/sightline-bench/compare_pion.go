//go:build linux

package main

import (
	"context"
	"fmt"
	"io"
	"net"

	pionturn "github.com/pion/turn/v5"
)

// pionCommand makes this program a TURN server. It is none of the measurements: compare starts it.
const pionCommand = "pion-turn"

// servePion is a stock pion/turn, as its example sets it up: one UDP socket and a static relay address.
func servePion(ctx context.Context, args []string, out, _ io.Writer) error {
	if len(args) != 1 {
		return fmt.Errorf("usage: sightline-bench %s HOST:PORT", pionCommand)
	}
	var config net.ListenConfig
	packets, err := config.ListenPacket(ctx, "udp4", args[0])
	if err != nil {
		return err
	}
	at := packets.LocalAddr().String()
	listener, err := config.Listen(ctx, "tcp4", at)
	if err != nil {
		return err
	}
	host, _, err := net.SplitHostPort(at)
	if err != nil {
		return err
	}
	relays := &pionturn.RelayAddressGeneratorStatic{RelayAddress: net.ParseIP(host), Address: host}
	everybody := func(net.Addr, net.IP) bool { return true }
	key := pionturn.GenerateAuthKey(rivalCredentials.Username, rivalRealm, rivalCredentials.Password)
	server, err := pionturn.NewServer(pionturn.ServerConfig{
		Realm: rivalRealm,
		AuthHandler: func(r *pionturn.RequestAttributes) (string, []byte, bool) {
			return r.Username, key, r.Username == rivalCredentials.Username
		},
		PacketConnConfigs: []pionturn.PacketConnConfig{
			{PacketConn: packets, RelayAddressGenerator: relays, PermissionHandler: everybody},
		},
		ListenerConfigs: []pionturn.ListenerConfig{
			{Listener: listener, RelayAddressGenerator: relays, PermissionHandler: everybody},
		},
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "{\"turn\":%q}\n", at) // ready
	<-ctx.Done()
	return server.Close()
}
