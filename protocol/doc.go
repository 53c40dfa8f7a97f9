// Package protocol is the vocabulary of the link: the envelope, every message and its class, error codes,
// close codes, end reasons, identifiers and limits.
//
// It says what may travel, not when: sequence numbers and replay belong to package link, sessions and
// presence to package signal. It imports the standard library only, so that the hub, the agent, the tools
// and partners' programs can all share it. The golden messages in testdata are the contract with clients
// in other languages; docs/protocol.md explains them.
package protocol

// Version is the protocol version that a hello announces. A hub refuses any other with CloseVersion.
const Version = 1

// Subprotocol is the WebSocket subprotocol of the link (RFC 6455 section 1.9).
const Subprotocol = "sightline.v1"

// ServerHeader is present on every HTTP response of a Sightline server. A client that misses it was answered
// by something in between.
const ServerHeader = "X-Sightline"
