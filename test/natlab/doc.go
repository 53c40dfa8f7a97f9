//go:build linux

// Package natlab builds small networks of Linux network namespaces, so that tests and measurements run real programs over a
// real kernel without touching the machine's own network. Building one needs root, iproute2 and nftables; a town whose router
// maps ports needs miniupnpd built for nftables.
//
// A Lab is a router and some hosts, each in a namespace of its own with a default route: nothing is in the way unless a test
// puts it there (Translate, Cut, Divert). A Town is an internet with a server, and two ends, a device and a viewer, each behind
// what people are behind: its Type.
//
//	         internet ── server
//	         │      │
//	[device-carrier] [viewer-carrier]    the carrier's translator, if the type has one
//	         │      │
//	 device-router  viewer-router        home router or firewall: lan0 inside, wan0 outside
//	         │      │
//	      device    viewer
//
// Under SameLAN the viewer's host hangs on the device's router, under SameCarrier its router on the device's carrier. plan.go has
// the addresses, ruleset.go the translators. What runs on the hosts is the caller's: package rig has the product.
//
// What is made here goes with its builder, even a killed one: a janitor of its own process group sweeps namespaces, whatever
// runs in them, and files, as soon as the builder is gone; Reap is for the day that the janitor died too.
//
// What the kernel had to be talked out of, and who changes something here should know:
//   - Bridged frames pass the NAT hooks a second time, where br_netfilter is built in: a hairpinned frame goes back to its own
//     port and is dropped. settings.go switches that off in each namespace.
//   - A router that accepts strays for itself tracks them, and the port that the host inside uses is taken when it answers: its
//     mapping changes. Input drops, but for PortAnswering, where that is the point.
//   - Duplicate address detection leaves IPv6 deaf for a second or two.
//   - Two ends of a veth with the same index, each in its own namespace, count as hardware, whose carrier the kernel looks after once
//     a second; the first packet is lost, and ARP asks again a second later. sketch.go numbers them apart and waits for the carrier.
//   - A namespace that is removed takes its interfaces along some time later: Rebuild deletes them by name first.
//   - A packet dropped in an output hook is an error to the program that sent it. Host's cuts drop at the interface.
//   - numgen and jhash count in the machine's byte order, ports are in the network's.
//   - miniupnpd maps nothing on an address that the special-purpose registries list, the documentation networks among them, and
//     leaves its rules behind when it ends.
package natlab
