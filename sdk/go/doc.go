// Package sightline is the Go SDK of Sightline's partner API: what a platform's backend needs to show cameras in its own
// product, hear what happens to them and understand its bill.
//
//	client, err := sightline.New("https://hub.example", os.Getenv("SIGHTLINE_KEY"))
//	token, err := client.CreateToken(ctx, sightline.CreateTokenInput{Device: device, Subject: "user 17"})
//
// Requests that fail for a moment are sent again: reads as they are, POSTs with an Idempotency-Key that makes the server
// do them once. What the server refuses is a *Problem with a stable code. Lists are iterators that fetch page by page.
//
// A Signer makes viewer tokens without asking the server, ReadWebhook checks and reads what a webhook brings, and
// Events follows a project's history from where a program left off. docs/api.md describes every resource and every event.
//
// The package needs the standard library and Sightline's package protocol only.
package sightline
