// Package webhook sends the events of projects to the endpoints of partners, as of Standard Webhooks 1.0.
//
// Every endpoint has a place of its own in its project's history and moves on by itself: nothing is written for an event
// that is delivered at the first attempt but that place. Events that failed, and those of the same device behind them, are
// kept as rows until they are delivered or, after three days, dead letters. An event is sent at least once: what was in
// flight when the process was killed is sent again, under the same webhook-id.
//
// Where requests may go is a Guard's to say, before a URL is kept and at every connection.
package webhook
