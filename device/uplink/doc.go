// Package uplink is a client's end of its link to the hub, over all the doors that carry it: hello and resume, replay,
// timers, back-off, the fall back to the long poll where WebSockets do not get through, and the way back. It knows
// nothing of cameras: the agent is one user, test programs that play viewers are others.
//
//	up, err := uplink.New(uplink.Config{Hub: hub, Hello: hello, Handler: handler})
//	go up.Run(ctx)             // in a group of the caller's
//	err = up.Send(envelope)    // at any time, connected or not
//
// The handler hears every welcome, with what a link that was not resumed had left unacknowledged, and then each message
// once and in order. Use asks for another door at once; by itself the link follows its policy: two WebSockets
// that bring no welcome, or three that are lost soon after it, and the long poll carries the link, while the
// WebSocket is tried again now and then and at each change of network. A hub that stops and names other hosts
// is left for one of them, without a gap.
package uplink
