// Package signal is the hub: it pairs devices with viewers and carries their session descriptions and ICE
// candidates.
//
// A client is one link, whatever door its messages come through; a session is one viewer looking at one device.
// The hub decides who may open what, tells presence, keeps open sessions in the store so that a restarted hub
// knows them, and ends them: by request, lease, revocation or silence. It never touches media, and it never
// ends a session because a link was lost.
//
// What the hub needs from others stands in seams.go. Package link numbers, acknowledges and queues; the doors
// (websocket.go, longpoll.go) move bytes.
package signal
