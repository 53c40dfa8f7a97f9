// Package media carries pictures and sound from one source to its viewers: it normalises access units, cuts them into
// RTP payloads once, keeps the current group of pictures for a fast start, and feeds every viewer at its own pace.
//
// A Stream is the pipeline of one source; a Subscription is one viewer of it. The package knows RTP but neither
// WebRTC nor where pictures come from: those belong to packages peer and source.
package media
