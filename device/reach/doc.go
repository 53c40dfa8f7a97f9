// Package reach knows where the device can be reached from outside. It owns the media port: one UDP socket that every
// session shares, and a TCP listener of the same number, so that what is learned of it, and the holes that it has made in
// NATs and firewalls, hold for all.
//
// A Port asks STUN servers (RFC 8489) from that socket what it looks like from outside, before anybody calls and for as
// long as it runs, has the router open ports by package portmap, and tells the addresses as Places. It finds out what the
// NAT does (RFC 5780), which is its Network, and notices when the machine is in another one. None of that is in the way of
// a call. The packets of sessions are not its business: it hands on whatever is not an answer to a question of its own.
package reach
