// Package middlebox is what stands between clients and the hub in other people's networks: a proxy that answers in the
// hub's place, swallows, cuts, resets, delays, holds back or decrypts. Tests put one in front of a hub, or on the way to
// it, and may change what it does while connections stand.
//
// It meddles with what the hub's doors are made of, TCP, TLS and HTTP/1.1, and knows nothing of links.
package middlebox
