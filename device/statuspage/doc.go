// Package statuspage shows a person and a watchdog on the same machine how the agent is. It is for nobody else: it listens
// on loopback alone, and answers no browser that came by another name.
package statuspage
