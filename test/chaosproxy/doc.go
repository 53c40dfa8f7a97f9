// Package chaosproxy is a bad network for tests: a TCP proxy on loopback whose connections are cut, stalled, delayed,
// closed by halves and repeated when its owner says so, which can let no WebSocket through, and which can go away
// for a while.
package chaosproxy
