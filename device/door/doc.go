// Package door is the client's side of the hub's doors: the WebSocket, and the long poll for networks that let no
// WebSocket through. Both carry the same messages and end with the same close codes; package link has the logic of
// what they carry, and package uplink decides which one to use.
//
//	dialer := door.NewDialer(door.Config{Hub: hub})
//	opened, welcome, err := dialer.Open(ctx, protocol.TransportLongPoll, hello, received)
//
// Open says hello and returns after the welcome. One goroutine then calls Read, another Write. A refusal or an end in the
// hub's own words is a *Closed; everything else that keeps a door shut is a *Failure, which says in words what a
// person can mend, and in one of the protocol's reasons whether another door may help.
package door
