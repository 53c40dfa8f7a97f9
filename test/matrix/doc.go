// Package matrix runs the whole product between two NATs, for one pair of them after the other: server and relay on the
// internet of a town (package natlab), the agent behind one NAT, Chromium with the real page behind the other. It notes
// which way the picture took and when, and what theory says of it. `sightline-bench nat` is its command, docs/nat.md shows
// its tables.
package matrix
