package portmap

import (
	"bufio"
	"encoding/binary"
	"encoding/hex"
	"io"
	"net/netip"
	"os"
	"strconv"
	"strings"
)

// routeTable has the kernel's IPv4 routes; a machine that carries more than maxRoutes bytes of them is no camera.
const (
	routeTable = "/proc/net/route"
	maxRoutes  = 1 << 20
)

// systemGateway is the router of the default route.
func systemGateway() (netip.Addr, bool) {
	file, err := os.Open(routeTable)
	if err != nil {
		return netip.Addr{}, false
	}
	defer file.Close()
	return defaultGateway(io.LimitReader(file, maxRoutes))
}

// The flags of linux/route.h: the route is up, and it has a gateway.
const (
	routeUp      = 0x1
	routeGateway = 0x2
)

// defaultGateway finds the default route with the lowest metric in a table as the kernel writes it.
func defaultGateway(table io.Reader) (gateway netip.Addr, found bool) {
	best := uint64(0)
	lines := bufio.NewScanner(table)
	for lines.Scan() {
		// Iface Destination Gateway Flags RefCnt Use Metric Mask
		f := strings.Fields(lines.Text())
		if len(f) < 8 || f[1] != "00000000" || f[7] != "00000000" {
			continue
		}
		flags, err := strconv.ParseUint(f[3], 16, 32)
		if err != nil || flags&(routeUp|routeGateway) != routeUp|routeGateway {
			continue
		}
		metric, err := strconv.ParseUint(f[6], 10, 32)
		if err != nil || found && metric >= best {
			continue
		}
		if a, ok := routeAddress(f[2]); ok {
			gateway, found, best = a, true, metric
		}
	}
	return gateway, found
}

// routeAddress reads an address that the kernel wrote as a number of its own byte order.
func routeAddress(s string) (netip.Addr, bool) {
	raw, err := hex.DecodeString(s)
	if err != nil || len(raw) != 4 {
		return netip.Addr{}, false
	}
	var b [4]byte
	binary.NativeEndian.PutUint32(b[:], binary.BigEndian.Uint32(raw))
	return netip.AddrFrom4(b), true
}
