package uplink

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
)

// Network says where a machine is.
type Network struct {
	// Key names the network, for what is remembered of it: a hash of subnets and gateway. Empty means that there is none.
	Key string
	// Place changes with the machine's own addresses too: a socket of another place is as good as dead.
	Place string
}

// routeTable has the gateways on Linux; where it is missing the subnets alone name the network.
const routeTable = "/proc/net/route"

// LocalNetwork looks at the addresses of the machine's interfaces that are up, and at its IPv4 gateway.
func LocalNetwork() Network {
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return Network{}
	}
	return networkOf(addresses, gateway())
}

// networkOf is the network of these addresses. Of IPv6 only the subnet counts: hosts change the rest by themselves while
// their sockets live on (RFC 8981).
func networkOf(addresses []net.Addr, gateway string) Network {
	var subnets, places []string
	for _, a := range addresses {
		prefix, err := netip.ParsePrefix(a.String())
		if err != nil || prefix.Addr().IsLoopback() || prefix.Addr().IsLinkLocalUnicast() {
			continue
		}
		subnet := prefix.Masked().String()
		place := subnet
		if prefix.Addr().Is4() {
			place = prefix.String()
		}
		subnets, places = append(subnets, subnet), append(places, place)
	}
	if len(subnets) == 0 {
		return Network{}
	}
	slices.Sort(subnets)
	slices.Sort(places)
	sum := sha256.Sum256([]byte(strings.Join(slices.Compact(subnets), " ") + " via " + gateway))
	return Network{
		Key:   hex.EncodeToString(sum[:8]),
		Place: strings.Join(slices.Compact(places), " ") + " via " + gateway,
	}
}

// gateway is the IPv4 default gateway as the kernel writes it; empty where there is none to be read.
func gateway() string {
	file, err := os.Open(routeTable)
	if err != nil {
		return ""
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) > 2 && fields[1] == "00000000" {
			return fields[0] + " " + fields[2]
		}
	}
	return ""
}
