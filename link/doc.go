// Package link is the logic of a link without its I/O: what is numbered, what is kept until the other end has
// it, what is replaced or dropped when the other end is slow, and when a ping, an acknowledgement or the end
// of patience is due. Hub, agent and tools use it; the web client mirrors it and passes the same traces
// (testdata/traces.json).
//
// Sockets come and go under a link. Whoever owns one writes what Next returns, hands what it reads to Receive
// and Took, and calls Tick at Due. What the messages mean is the caller's business.
package link
