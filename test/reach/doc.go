// Package reach tests the agent's media port against real translators and the real server's STUN.
package reach
