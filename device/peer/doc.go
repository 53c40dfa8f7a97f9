// Package peer is one end of a session's peer connection: it answers a viewer's offer, sends the picture and the
// sound of a stream, watches which path they take and ends by itself when the media or the lease does.
//
// A Host owns what all viewers share: the mux behind the one UDP port that media goes through, which package reach opens,
// and the certificate. A Peer is one session. The package knows nothing of the link to the hub: what must
// be said is told to Events, what was heard is given to the methods of Peer. Sources and packets are the business
// of package media.
//
// How a session comes to a direct path, and what keeps a viewer from making the device send to others, is in
// docs/architecture.md and docs/security.md: admission, budget and lane judge and bound, checks and check go on after the
// library has stopped, lifecycle and renewal ask for ICE restarts, obey does what the policy says.
package peer
