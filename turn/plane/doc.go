// Package plane serves UDP sockets with event loops of its own, beside Go's network poller: what many small packets
// cost is mostly the wake-up and the system call for each, and here one of either serves many packets.
//
// A Plane has loops, each a goroutine with an epoll instance. A Port is a bound address: one socket of one loop, or one socket
// of each loop that share the address (SO_REUSEPORT), among which the kernel spreads flows. When a socket has
// packets, its loop takes up to 64 in one system call and hands them, as a Batch, to the port's Handler. What the handler
// wants sent to one place it collects in a Burst: packets of equal size leave as one system call (UDP_SEGMENT). What
// it does not want it passes on to the port's reader, for whom a Port is a net.PacketConn like any other.
//
// The package knows nothing of TURN. It exists on Linux only; elsewhere it is empty.
package plane
