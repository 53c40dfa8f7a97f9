// Package e2e tests the whole product as people use it: the real programs, a real browser and a real RTSP camera on
// hosts of their own (package rig). Its tests need root and what `make test` installs; without these they are skipped,
// in CI they fail.
package e2e
