// Package turn is the embedded STUN and TURN server (RFC 8489, RFC 8656): it carries the media of sessions that
// cannot go direct, for those sessions only, and counts what it carries.
//
// The protocol itself is pion/turn's. Around it this package puts what a public relay needs and the library leaves
// to its user:
//
//   - credentials.go, keyring.go: who may allocate. Credentials are bound to a relay grant, and a grant to a session.
//   - policy.go, special.go, embedded.go: whom a relay may talk to. Nobody reaches where they don't belong.
//   - gate.go, request.go, budget.go, permit.go: what pion/turn leaves open about its clients' requests: how long an
//     allocation lives, how many permissions and channels it has, whom of the session's peers it reaches (sighted.go), and
//     how much strangers are sent.
//   - frame.go, stream.go, streams.go: the framing guard in front of every TCP client.
//   - relay.go, relays.go, generator.go: the relayed transport addresses, filtered and counted packet by packet.
//   - grants.go, terms.go, cap.go: which grants live, whose they are, and how fast they may carry.
//   - sockets.go, loops_linux.go, channels.go: the fast path. Package plane moves packets, these decide which.
//   - meter.go: what allocations have carried.
//   - allowance.go: how much more they may, where a budget says.
//   - window.go: a fault of the library, mended from outside.
//   - addresses.go, listen.go, server.go, drain.go: sockets and life. entrance.go: more ways in, such as TLS.
//     discovery.go: what clients ask about their NAT (RFC 5780).
//
// A packet meets two of our wrappers, one on each leg: the client's (a UDP socket, or a stream) and the relay's. On Linux
// the ChannelData of UDP clients passes from one leg to the other in event loops, judged and counted as in the wrappers, and
// pion/turn sees the rest; elsewhere, and for streams, it sees every packet.
package turn
