// Package programs tests the two programs as their users meet them: what they print, on which stream, with which exit
// status, and that the contract for tools holds.
package programs
