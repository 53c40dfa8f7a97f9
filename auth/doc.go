// Package auth mints and verifies everything that proves who somebody is: API keys, enrolment codes, the tokens of
// viewers and those that devices sign for themselves.
//
// It is pure: no database, no clock and no network. Whoever asks brings the time, the keys and the stored hashes, and
// decides what was revoked. What a peer may see of a refusal is a protocol.Error in words that a person understands.
package auth
