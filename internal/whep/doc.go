// Package whep reads and writes what WHEP players and endpoints exchange (draft-ietf-wish-whep-03, and RFC 9725 where that
// refers to it): SDP fragments, ICE servers as links, and the few things of a session description that the endpoint of a
// camera has to know. It does no I/O and knows nothing of sessions.
package whep
