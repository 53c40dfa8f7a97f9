// Package device is the agent on a camera: it keeps a link to the hub, answers viewers and sends them the
// camera's picture, directly where that is possible at all.
//
// The agent joins three neighbours that know nothing of each other: device/source brings pictures,
// device/media turns them into packets once for all viewers, device/peer carries them to one viewer each. The
// link and the sessions on it are this package's own business. It builds without anything of the server's.
package device
