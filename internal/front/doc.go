// Package front stands between a TCP port and those who serve its clients: it speaks TLS where there is a certificate, finds
// out whether a client came for HTTP or for TURN, and hands the connection on.
//
//   - port.go: a port and its accept loop.
//   - kind.go: what tells HTTP from TURN.
//   - waiting.go: how many clients may be between their first packet and their first word.
//   - door.go: what those who serve take for a listener of their own.
//   - certificate.go: a certificate that changes on disk.
package front
