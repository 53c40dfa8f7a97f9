package special

import "net/netip"

// The prefixes under which an IPv6 address carries an IPv4 address that packets end up at.
var (
	compatible = netip.MustParsePrefix("::/96")           // RFC 4291 section 2.5.5.1
	translated = netip.MustParsePrefix("::ffff:0:0:0/96") // RFC 2765 section 2.1
	nat64      = netip.MustParsePrefix("64:ff9b::/96")    // RFC 6052 section 2.1
	nat64Local = netip.MustParsePrefix("64:ff9b:1::/48")  // RFC 8215
	teredo     = netip.MustParsePrefix("2001::/32")       // RFC 4380 section 4
	sixToFour  = netip.MustParsePrefix("2002::/16")       // RFC 3056 section 2
)

// Embedded returns the IPv4 addresses that an IPv6 address may stand for, as a tunnel or translator on the way would
// read it. Where the form is ambiguous it returns every reading: all of them must be allowed.
func Embedded(addr netip.Addr) []netip.Addr {
	if !addr.Is6() {
		return nil
	}
	b := addr.As16()
	last := netip.AddrFrom4([4]byte(b[12:]))
	var found []netip.Addr
	switch {
	case compatible.Contains(addr), translated.Contains(addr), nat64.Contains(addr):
		found = append(found, last)
	case nat64Local.Contains(addr):
		found = append(found, localNAT64(b)...)
	case teredo.Contains(addr):
		found = append(found, netip.AddrFrom4([4]byte(b[4:8])),
			netip.AddrFrom4([4]byte{^b[12], ^b[13], ^b[14], ^b[15]}))
	case sixToFour.Contains(addr):
		found = append(found, netip.AddrFrom4([4]byte(b[2:6])))
	}
	// ISATAP (RFC 5214 section 6.1): any prefix, with or without the universal bit.
	if (b[8] == 0 || b[8] == 2) && b[9] == 0 && b[10] == 0x5e && b[11] == 0xfe {
		found = append(found, last)
	}
	return found
}

// localNAT64 reads an address of 64:ff9b:1::/48 with each prefix length that RFC 6052 section 2.2 knows from 48 on,
// where byte 8 is left out. Nothing in the address says which it is, so that few addresses of the longer prefixes pass
// even where the range is open. A reading of all zeros is a form that is not used, unless every one is.
func localNAT64(b [16]byte) []netip.Addr {
	var found []netip.Addr
	for _, form := range [][4]byte{
		{b[6], b[7], b[9], b[10]},
		{b[7], b[9], b[10], b[11]},
		{b[9], b[10], b[11], b[12]},
		{b[12], b[13], b[14], b[15]},
	} {
		if form != [4]byte{} {
			found = append(found, netip.AddrFrom4(form))
		}
	}
	if found == nil {
		found = append(found, netip.IPv4Unspecified())
	}
	return found
}
