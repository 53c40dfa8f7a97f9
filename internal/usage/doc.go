// Package usage says what projects may still use of the relay: how fast, and how much of their budgets. The relay counts, the
// store adds up, this package compares; whoever hands out the relay asks here and enforces the answer.
package usage
