// Package test holds what crosses packages: its own tests prove the architecture, and the folders below it build
// networks (natlab), drive a browser (browser), put the whole product together (rig) and test it (e2e).
package test
